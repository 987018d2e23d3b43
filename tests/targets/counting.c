/* A target whose threads count for ever: some without a pause, one with naps, and others that live for one count.
 *
 *   begin       from now on, make threads that count to one and end
 *   report      say how far it has counted
 *   exit N      end with that exit code
 */
#define _GNU_SOURCE
#include "target.h"

#define COUNTERS 4
#define SPINNERS 2
#define NAPS 2
#define SHORT_LIVED 3

static volatile uint32_t counts[COUNTERS];

#ifdef _WIN32
#define THREAD DWORD WINAPI
typedef LPVOID Argument;

static void nap(void)
{
    Sleep(1);
}

static void start(LPTHREAD_START_ROUTINE work, uintptr_t number, int is_awaited)
{
    HANDLE thread = CreateThread(NULL, 0, work, (LPVOID)number, 0, NULL);

    if (!thread) {
        say_error("CreateThread");
        exit(1);
    }
    if (is_awaited)
        WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}
#else
#include <pthread.h>
#define THREAD void *
typedef void *Argument;

static void nap(void)
{
    usleep(1000);
}

static void start(void *(*work)(void *), uintptr_t number, int is_awaited)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, (void *)number) != 0) {
        say_error("pthread_create");
        exit(1);
    }
    if (is_awaited)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread);
}
#endif

static THREAD spin(Argument number)
{
    for (;;)
        counts[(uintptr_t)number]++;
}

static THREAD count_and_nap(Argument number)
{
    for (;;) {
        counts[(uintptr_t)number]++;
        nap();
    }
}

static THREAD count_once(Argument number)
{
    counts[(uintptr_t)number]++;
    return 0;
}

static THREAD make_threads(Argument number)
{
    for (;;)
        start(count_once, (uintptr_t)number, 1);
}

static void report(void)
{
    printf("{\"counts\": [");
    for (size_t i = 0; i < COUNTERS; i++)
        printf("%s%lu", i ? ", " : "", (unsigned long)counts[i]);
    printf("]");
    say_end();
}

static void obey(const char *line)
{
    int code;

    if (sscanf(line, "exit %d", &code) == 1)
        exit(code);
    if (!strcmp(line, "begin"))
        start(make_threads, SHORT_LIVED, 0);
    else if (strcmp(line, "report")) {
        say_error("unknown command");
        return;
    }
    report();
}

int MAIN(void)
{
    char line[128];

    for (uintptr_t i = 0; i < SPINNERS; i++)
        start(spin, i, 0);
    start(count_and_nap, NAPS, 0);
    say_start();
    printf(", \"addresses\": {\"counts\": %" LL "u}", (unsigned long long)(uintptr_t)counts);
    say_end();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
