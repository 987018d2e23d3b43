/* A target that maps a library as a loader does, and links it to nothing: where no loader is installed.
 *
 *   map HOW PATH         HOW is 'offsets', or 'addresses' to put those in the place of the offsets in its
 *                        table for the loader, as glibc does; say where it begins
 *   call ADDRESS NUMBER  what the function there makes of that number
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include "../target.h"

#define PAGE 4096u
#define MOST_SEGMENTS 32
#define DOWN(number) ((number) / PAGE * PAGE)
#define UP(number) DOWN((number) + PAGE - 1)

struct image {
    int file;
    int count;
    ElfW(Phdr) segments[MOST_SEGMENTS];
    uintptr_t start, end; /* as it was linked */
    uintptr_t bias;       /* what to add to that */
};

static int read_headers(struct image *image)
{
    ElfW(Ehdr) header;
    ssize_t size;

    if (pread(image->file, &header, sizeof header, 0) != sizeof header || header.e_phnum > MOST_SEGMENTS)
        return 0;
    image->count = header.e_phnum;
    size = image->count * (ssize_t)sizeof *image->segments;
    if (pread(image->file, image->segments, (size_t)size, (off_t)header.e_phoff) != size)
        return 0;
    image->start = UINTPTR_MAX;
    for (int i = 0; i < image->count; i++) {
        const ElfW(Phdr) *each = &image->segments[i];

        if (each->p_type != PT_LOAD)
            continue;
        if (DOWN(each->p_vaddr) < image->start)
            image->start = DOWN(each->p_vaddr);
        if (UP(each->p_vaddr + each->p_memsz) > image->end)
            image->end = UP(each->p_vaddr + each->p_memsz);
    }
    return 1;
}

static int map_segment(const struct image *image, const ElfW(Phdr) *segment)
{
    const uintptr_t place = image->bias + segment->p_vaddr;
    const uintptr_t end_of_file = place + segment->p_filesz, end = place + segment->p_memsz;
    const int protection = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
                           (segment->p_flags & PF_X ? PROT_EXEC : 0);

    if (mmap((void *)DOWN(place), end_of_file - DOWN(place), protection, MAP_PRIVATE | MAP_FIXED, image->file,
             (off_t)DOWN(segment->p_offset)) == MAP_FAILED)
        return 0;
    if (end > end_of_file && segment->p_flags & PF_W)
        memset((void *)end_of_file, 0, (end < UP(end_of_file) ? end : UP(end_of_file)) - end_of_file);
    return UP(end) <= UP(end_of_file) ||
           mmap((void *)UP(end_of_file), UP(end) - UP(end_of_file), protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void put_addresses(const struct image *image, const ElfW(Phdr) *segment)
{
    for (ElfW(Dyn) *each = (void *)(image->bias + segment->p_vaddr); each->d_tag != DT_NULL; each++)
        switch (each->d_tag) {
        case DT_HASH:
        case DT_GNU_HASH:
        case DT_STRTAB:
        case DT_SYMTAB:
        case DT_VERSYM:
            each->d_un.d_ptr += image->bias;
        }
}

static int map_all(struct image *image, int with_addresses)
{
    const size_t size = image->end - image->start;
    unsigned char *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (place == MAP_FAILED)
        return 0;
    image->bias = (uintptr_t)place - image->start;
    for (int i = 0; i < image->count; i++)
        if (image->segments[i].p_type == PT_LOAD && !map_segment(image, &image->segments[i]))
            return 0;
    for (int i = 0; i < image->count; i++)
        if (image->segments[i].p_type == PT_DYNAMIC && with_addresses)
            put_addresses(image, &image->segments[i]);
    return 1;
}

static void map(const char *path, int with_addresses)
{
    struct image image = {.file = open(path, O_RDONLY)};

    if (image.file < 0 || !read_headers(&image) || !map_all(&image, with_addresses)) {
        say_error("map");
        return;
    }
    close(image.file);
    printf("{\"base\": %llu", (unsigned long long)(image.bias + image.start));
    say_end();
}

static void call(unsigned long long address, int number)
{
    int (*function)(int) = (int (*)(int))(uintptr_t)address;

    printf("{\"result\": %d", function(number));
    say_end();
}

int main(void)
{
    char line[1024], how[16], path[1000];
    unsigned long long address;
    int number;

    say_start();
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "map %15s %999[^\n]", how, path) == 2)
            map(path, strcmp(how, "addresses") == 0);
        else if (sscanf(line, "call %llu %d", &address, &number) == 2)
            call(address, number);
        else
            say_error("unknown command");
    }
    return 0;
}
