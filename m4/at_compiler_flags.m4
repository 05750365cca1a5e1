# AT_COMPILER_FLAGS(VARIABLE, FLAGS)
# ----------------------------------
# Adds to VARIABLE each of FLAGS that the C compiler accepts without a warning.
# (-Werror, because clang only warns about unknown flags.)
AC_DEFUN([AT_COMPILER_FLAGS],
[for at_flag in $2; do
    AS_VAR_PUSHDEF([at_cache], [at_cv_cflag_$at_flag])
    AC_CACHE_CHECK([whether $CC takes $at_flag], [at_cache],
        [at_save_CFLAGS=$CFLAGS
         CFLAGS="$CFLAGS -Werror $at_flag"
         AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
             [AS_VAR_SET([at_cache], [yes])],
             [AS_VAR_SET([at_cache], [no])])
         CFLAGS=$at_save_CFLAGS])
    AS_VAR_IF([at_cache], [yes], [$1="$$1 $at_flag"])
    AS_VAR_POPDEF([at_cache])
done])

# AT_SYSTEM_INCLUDES(VARIABLE)
# ----------------------------
# Turns the -I of VARIABLE into -isystem, so that the compiler warns about this
# project, but not about the headers that it includes.
AC_DEFUN([AT_SYSTEM_INCLUDES],
[$1=`AS_ECHO([" $$1"]) | sed 's/ -I/ -isystem /g'`])
