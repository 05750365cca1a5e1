/* SPDX-License-Identifier: Apache-2.0 */
#include "at_rows.h"

#include <string.h>

int at_rows_find(const apr_dbd_driver_t *driver, apr_dbd_results_t *results,
                 const char *name, int guess)
{
    int count = apr_dbd_num_cols(driver, results), i;

    for (i = 0; i < count; i++) {
        int column = (guess + i) % count;
        const char *found = apr_dbd_get_name(driver, results, column);

        if (found && !strcmp(found, name)) {
            return column;
        }
    }
    return -1;
}

char *at_rows_text(const apr_dbd_driver_t *driver, apr_dbd_row_t *row,
                   int column)
{
    char *text = NULL;

    /* apr_dbd_get_entry leaves a text without its end if the driver has cut
     * it at its limit. */
    return apr_dbd_datum_get(driver, row, column, APR_DBD_TYPE_STRING, &text)
           == APR_SUCCESS ? text : NULL;
}
