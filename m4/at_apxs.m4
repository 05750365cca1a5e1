# AT_APXS(MINIMUM-VERSION)
# ------------------------
# Finds apxs, or uses the one that --with-apxs names, and reads from it the
# properties of this Apache HTTPD. Sets and substitutes APXS, HTTPD_CPPFLAGS,
# HTTPD_VERSION, HTTPD (the program), apache_libexecdir (the folder of the
# modules) and apache_logfiledir (the folder of the logs).
AC_DEFUN([AT_APXS],
[AC_ARG_WITH([apxs],
    [AS_HELP_STRING([--with-apxs=PATH],
        [the apxs of the Apache HTTPD to build for [from PATH]])],
    [], [with_apxs=yes])
AC_ARG_WITH([apache-libexecdir],
    [AS_HELP_STRING([--with-apache-libexecdir=DIR],
        [where to install the module [apxs -q LIBEXECDIR]])],
    [], [with_apache_libexecdir=yes])

at_path=$PATH:/usr/sbin:/usr/local/apache2/bin:/opt/apache2/bin
AS_CASE([$with_apxs],
    [no], [AC_MSG_ERROR([the module cannot be built without apxs])],
    [yes], [AC_PATH_PROGS([APXS], [apxs apxs2], [], [$at_path])
        AS_IF([test -z "$APXS"],
            [AC_MSG_ERROR([apxs was not found: install apache2-dev (Debian) or httpd-devel (Fedora), or name it by --with-apxs=PATH])])],
    [APXS=$with_apxs
    AS_IF([test ! -f "$APXS" || test ! -x "$APXS"],
        [AC_MSG_ERROR([--with-apxs: $APXS is not a program])])])
AC_SUBST([APXS])

AC_MSG_CHECKING([for Apache HTTPD $1 or newer])
HTTPD_VERSION=`"$APXS" -q HTTPD_VERSION 2>/dev/null`
AS_IF([test -z "$HTTPD_VERSION"],
    [at_include=`"$APXS" -q INCLUDEDIR`
    HTTPD_VERSION=`sed -n \
        -e 's/^#define AP_SERVER_MAJORVERSION_NUMBER *//p' \
        -e 's/^#define AP_SERVER_MINORVERSION_NUMBER */./p' \
        -e 's/^#define AP_SERVER_PATCHLEVEL_NUMBER */./p' \
        "$at_include/ap_release.h" 2>/dev/null | tr -d '\n'`])
AC_MSG_RESULT([${HTTPD_VERSION:-unknown}])
AS_VERSION_COMPARE([${HTTPD_VERSION:-0}], [$1],
    [AC_MSG_ERROR([Apache HTTPD $1 or newer is needed])])
AC_SUBST([HTTPD_VERSION])

HTTPD=`"$APXS" -q sbindir`/`"$APXS" -q progname`
AC_SUBST([HTTPD])

HTTPD_CPPFLAGS="`"$APXS" -q EXTRA_CPPFLAGS` -I`"$APXS" -q INCLUDEDIR`"
AT_SYSTEM_INCLUDES([HTTPD_CPPFLAGS])
AC_SUBST([HTTPD_CPPFLAGS])

AS_CASE([$with_apache_libexecdir],
    [yes|no], [apache_libexecdir=`"$APXS" -q LIBEXECDIR`],
    [apache_libexecdir=$with_apache_libexecdir])
AC_SUBST([apache_libexecdir])

# A relative name starts at ServerRoot.
apache_logfiledir=`"$APXS" -q logfiledir 2>/dev/null`
test -n "$apache_logfiledir" || apache_logfiledir=logs
AC_SUBST([apache_logfiledir])

# The folder of httpd's modules, which the tests load. Ours may be installed elsewhere.
httpd_modules=`"$APXS" -q LIBEXECDIR`
AC_SUBST([httpd_modules])])
