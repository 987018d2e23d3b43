/* A target of glibc's own loader, which is asked where it finds things; it offers 'missing' itself.
 *
 *   find NAME PATH       load the library, and ask dlsym for that name
 */
#include <dlfcn.h>
#include "../target.h"

/* What the library wants. */
int missing(int number)
{
    return -number;
}

int main(void)
{
    char line[1024], name[256], path[700];
    void *library;

    say_start();
    printf(", \"missing\": %llu", (unsigned long long)(uintptr_t)missing);
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "find %255s %699[^\n]", name, path) != 2) {
            say_error("unknown command");
            continue;
        }
        library = dlopen(path, RTLD_LAZY);
        if (!library) {
            say_error("dlopen");
            continue;
        }
        printf("{\"place\": %llu", (unsigned long long)(uintptr_t)dlsym(library, name));
        say_end();
    }
    return 0;
}
