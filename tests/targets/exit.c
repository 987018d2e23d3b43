/* A target that ends as it is told: "exit N" with an exit code, "crash" with an access violation. */
#include "target.h"

int wmain(void)
{
    char line[64];
    unsigned code;

    /* No dialog about the crash: nobody is there to close it. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    say_start();
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "exit %u", &code) == 1)
            ExitProcess(code);
        if (strcmp(line, "crash") == 0)
            *(volatile int *)NULL = 1;
        say_error("unknown command");
    }
    return 0;
}
