/* SPDX-License-Identifier: Apache-2.0 */
#include "at_mysql.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* A value of enum mysql_option, in all releases of both client libraries. */
#define READ_DEFAULT_GROUP 5

/* What separates the words of DBDParams for apr_dbd_mysql. */
#define DELIMITERS " \r\n\t;|,"

typedef int (*get_socket_fn)(void *mysql);
typedef const char *(*get_cipher_fn)(void *mysql);

/* The functions that connecting needs. */
typedef struct {
    void *(*init)(void *mysql);
    int (*options)(void *mysql, int option, const void *value);
    void *(*real_connect)(void *mysql, const char *host, const char *user,
                          const char *password, const char *database,
                          unsigned int port, const char *socket,
                          unsigned long flags);
    unsigned int (*error)(void *mysql);
    void (*close)(void *mysql);
} client_t;

/* The words of DBDParams that connecting needs, in the order of fields[]. */
enum { HOST, USER, PASSWORD, DATABASE, PORT, SOCKET, GROUP, FIELD_COUNT };

/* Look up NAME into *FUNCTION, a pointer to a function, of SIZE bytes. False if
 * it is not there. */
static int find(void *function, size_t size, const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);

    memcpy(function, &symbol, size);
    return symbol != NULL;
}

static int find_client(client_t *client)
{
    return find(&client->init, sizeof(client->init), "mysql_init")
           && find(&client->options, sizeof(client->options),
                   "mysql_options")
           && find(&client->real_connect, sizeof(client->real_connect),
                   "mysql_real_connect")
           && find(&client->error, sizeof(client->error), "mysql_errno")
           && find(&client->close, sizeof(client->close), "mysql_close");
}

int at_mysql_knows_sockets(void)
{
    return dlsym(RTLD_DEFAULT, "mysql_get_socket") != NULL;
}

int at_mysql_socket(void *handle)
{
    get_socket_fn get_socket;

    return handle && find(&get_socket, sizeof(get_socket),
                          "mysql_get_socket") ? get_socket(handle) : -1;
}

/* The address of PEER in POOL if it is that of another machine; else NULL. */
static const char *address_elsewhere(const struct sockaddr_storage *peer,
                                     apr_pool_t *pool)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    const void *address = NULL;
    char *text = apr_palloc(pool, INET6_ADDRSTRLEN);

    if (peer->ss_family == AF_INET) {
        memcpy(&in, peer, sizeof(in));
        if (ntohl(in.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
            address = &in.sin_addr;
        }
    }
    else if (peer->ss_family == AF_INET6) {
        memcpy(&in6, peer, sizeof(in6));
        if (!IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)) {
            address = &in6.sin6_addr;
        }
    }
    return address ? inet_ntop(peer->ss_family, address, text,
                               INET6_ADDRSTRLEN) : NULL;
}

const char *at_mysql_exposed(void *handle, apr_pool_t *pool)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    int number = at_mysql_socket(handle);
    get_cipher_fn get_cipher;

    if (number < 0
        || getpeername(number, (struct sockaddr *)&peer, &length) != 0
        || !find(&get_cipher, sizeof(get_cipher), "mysql_get_ssl_cipher")
        || get_cipher(handle)) {
        return NULL;
    }
    return address_elsewhere(&peer, pool);
}

/* Where the letters that end at END begin, not before START. */
static const char *letters_before(const char *start, const char *end)
{
    while (end > start && apr_isalpha(end[-1])) {
        end--;
    }
    return end;
}

/* Read PARAMS into VALUES as apr_dbd_mysql does: there may be blanks around
 * "=", and the beginning of a key is enough. */
static void read_params(const char *values[FIELD_COUNT], const char *params,
                        apr_pool_t *pool)
{
    /* All keys, in the driver's order; those with -1 are not needed here. */
    static const struct {
        const char *name;
        int field;
    } fields[] = {
        { "host", HOST }, { "user", USER }, { "pass", PASSWORD },
        { "dbname", DATABASE }, { "port", PORT }, { "sock", SOCKET },
        { "flags", -1 }, { "fldsz", -1 }, { "group", GROUP },
        { "reconnect", -1 }
    };
    const char *equals = strchr(params, '=');
    size_t i;

    while (equals) {
        const char *end = equals, *key, *value = equals + 1;
        size_t length;

        while (end > params && apr_isspace(end[-1])) {
            end--;
        }
        key = letters_before(params, end);
        while (apr_isspace(*value)) {
            value++;
        }
        length = strcspn(value, DELIMITERS);
        for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            if (!strncasecmp(fields[i].name, key, (size_t)(end - key))) {
                if (fields[i].field >= 0) {
                    values[fields[i].field] = apr_pstrndup(pool, value,
                                                           length);
                }
                break;
            }
        }
        equals = strchr(value + length, '=');
    }
}

at_mysql_e at_mysql_connect(int *code, const char *params,
                            apr_pool_t *scratch_pool)
{
    const char *values[FIELD_COUNT] = { NULL };
    at_mysql_e answer = AT_MYSQL_CONNECTED;
    client_t client;
    void *mysql;

    mysql = find_client(&client) ? client.init(NULL) : NULL;
    if (!mysql) {
        return AT_MYSQL_UNKNOWN;
    }
    read_params(values, params, scratch_pool);
    if (values[GROUP]) {
        (void)client.options(mysql, READ_DEFAULT_GROUP, values[GROUP]);
    }
    if (!client.real_connect(mysql, values[HOST], values[USER],
                             values[PASSWORD], values[DATABASE],
                             values[PORT] ? (unsigned int)atoi(values[PORT])
                                          : 0, values[SOCKET], 0)) {
        *code = (int)client.error(mysql);
        answer = AT_MYSQL_REFUSED;
    }
    client.close(mysql);
    return answer;
}
