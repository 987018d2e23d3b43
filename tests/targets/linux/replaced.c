/* A target that replaces itself by another program; replacing.c is the same with other bytes.
 *
 *   exec PATH            become that program, which says its first line then
 *   exec_thread PATH     the same, from another thread than the first one
 *   peek OFFSET          the byte of the block there
 *   exit                 end at once
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include "../target.h"

#ifndef LETTER
#define LETTER 'a'
#endif
#define SIZE (1 << 18)
#define FIXED 0x30000000 /* where there is nothing else, in programs of both widths */

static volatile unsigned char block[SIZE] = {[0 ... SIZE - 1] = LETTER};
static const volatile unsigned char constant[16] = {[0 ... 15] = LETTER};

static void become(const char *path)
{
    execl(path, path, (char *)NULL);
    say_error("execl");
}

static void *become_in_thread(void *path)
{
    become(path);
    return NULL;
}

int main(void)
{
    char line[1024], path[1000];
    unsigned offset;
    pthread_t thread;

    if (mmap((void *)FIXED, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        return 1;
    memset((void *)FIXED, LETTER, SIZE);
    say_start();
    printf(", \"addresses\": {\"block\": %llu, \"constant\": %llu, \"fixed\": %u}",
           (unsigned long long)(uintptr_t)block, (unsigned long long)(uintptr_t)constant, FIXED);
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "exec_thread %999[^\n]", path) == 1) {
            if (pthread_create(&thread, NULL, become_in_thread, path) != 0)
                say_error("pthread_create");
            else
                pthread_join(thread, NULL);
        } else if (sscanf(line, "exec %999[^\n]", path) == 1)
            become(path);
        else if (sscanf(line, "peek %u", &offset) == 1 && offset < SIZE) {
            printf("{\"value\": %d", block[offset]);
            say_end();
        } else if (strcmp(line, "exit") == 0)
            _exit(5);
        else
            say_error("unknown command");
    }
    return 0;
}
