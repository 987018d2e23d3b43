/* What every target does alike. It says one line of JSON when it is ready, then answers each line it
 * is sent with one line of JSON, and ends when its input does, or at "quit". So a test never waits
 * for a time, only for a line. */
#ifndef TARGET_H
#define TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#define MAIN wmain
#define LL "I64" /* what Windows' C libraries of every age understand */
#define OWN_PID GetCurrentProcessId()
#define LAST_ERROR GetLastError()
#else
#include <errno.h>
#include <unistd.h>
#define MAIN main
#define LL "ll"
#define OWN_PID ((unsigned long)getpid())
#define LAST_ERROR ((unsigned long)errno)
#endif

/* The opening of each line; the caller goes on with its own members and closes the brace. */
static inline void say_start(void)
{
    printf("{\"pid\": %lu, \"pointer_size\": %u", OWN_PID, (unsigned)sizeof(void *));
}

static inline void say_end(void)
{
    puts("}");
    fflush(stdout);
}

static inline void say_error(const char *what)
{
    printf("{\"error\": \"%s\", \"code\": %lu", what, LAST_ERROR);
    say_end();
}

/* Read one command; 0 when there are no more. */
static inline int hear(char *line, int size)
{
    if (!fgets(line, size, stdin))
        return 0;
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, "quit") != 0;
}

#endif
