/* What every Linux target does alike: as ../target.h, for programs of Linux. */
#ifndef TARGET_H
#define TARGET_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The opening of each line; the caller goes on with its own members and closes the brace. */
static inline void say_start(void)
{
    printf("{\"pid\": %d, \"pointer_size\": %u", (int)getpid(), (unsigned)sizeof(void *));
}

static inline void say_end(void)
{
    puts("}");
    fflush(stdout);
}

static inline void say_error(const char *what)
{
    printf("{\"error\": \"%s\", \"code\": %d", what, errno);
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
