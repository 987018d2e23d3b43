/* A target with threads, each of which has its own variable in its stack.
 *
 *   start       start another thread; say where its variable and its stack are
 *   sleep       start another thread that has not run yet
 *   end NUMBER  end that one; the first that was started is number 1
 */
#include "target.h"

#define MOST_THREADS 8

struct thread {
    HANDLE handle;
    HANDLE ready;
    HANDLE may_end;
    volatile int *health;
    void *stack_base;
};

static struct thread threads[MOST_THREADS + 1];
static int count;

static void *stack_base(void)
{
    return ((NT_TIB *)NtCurrentTeb())->StackBase;
}

static DWORD WINAPI play(void *argument)
{
    struct thread *self = argument;
    volatile int health = 100 + (int)(self - threads);

    self->health = &health;
    self->stack_base = stack_base();
    SetEvent(self->ready);
    WaitForSingleObject(self->may_end, INFINITE);
    return (DWORD)health;
}

static void start(DWORD flags)
{
    struct thread *thread = &threads[count + 1];

    if (count == MOST_THREADS) {
        say_error("too many threads");
        return;
    }
    thread->ready = CreateEventW(NULL, TRUE, FALSE, NULL);
    thread->may_end = CreateEventW(NULL, TRUE, FALSE, NULL);
    thread->handle = CreateThread(NULL, 0, play, thread, flags, NULL);
    if (!thread->handle) {
        say_error("start");
        return;
    }
    count++;
    if (!flags)
        WaitForSingleObject(thread->ready, INFINITE);
    printf("{\"number\": %d, \"health\": %I64u, \"stack_base\": %I64u", count,
           (unsigned long long)(uintptr_t)thread->health, (unsigned long long)(uintptr_t)thread->stack_base);
    say_end();
}

static void end(int number)
{
    if (number < 1 || number > count) {
        say_error("no such thread");
        return;
    }
    SetEvent(threads[number].may_end);
    WaitForSingleObject(threads[number].handle, INFINITE);
    /* While a handle is open, the system may still list the thread. */
    CloseHandle(threads[number].handle);
    printf("{\"ended\": %d", number);
    say_end();
}

int wmain(void)
{
    volatile int health = 100;
    char line[128];
    int number;

    say_start();
    printf(", \"health\": %I64u, \"stack_base\": %I64u", (unsigned long long)(uintptr_t)&health,
           (unsigned long long)(uintptr_t)stack_base());
    say_end();
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "start"))
            start(0);
        else if (!strcmp(line, "sleep"))
            start(CREATE_SUSPENDED);
        else if (sscanf(line, "end %d", &number) == 1)
            end(number);
        else
            say_error("unknown command");
    }
    return health;
}
