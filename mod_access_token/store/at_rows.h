/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what apr_dbd gives. */
#ifndef AT_ROWS_H
#define AT_ROWS_H

#include <apr_dbd.h>

/**
 * The number of the column NAME of RESULTS, or -1. Column number GUESS is
 * looked at first. SQLite's driver knows the columns only after it has given a
 * row.
 */
int at_rows_find(const apr_dbd_driver_t *driver, apr_dbd_results_t *results,
                 const char *name, int guess);

/**
 * The text in column number COLUMN of ROW; NULL for SQL's NULL. It is in a
 * buffer of the driver, which the next row overwrites.
 */
char *at_rows_text(const apr_dbd_driver_t *driver, apr_dbd_row_t *row,
                   int column);

#endif /* AT_ROWS_H */
