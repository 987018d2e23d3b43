/* A library with symbols of every kind that a loader looks up, or leaves alone. */

extern int missing(int number);

int table[300] = {1, 2, 3};
int counter;
__thread int of_thread = 3;
static int addend = 7;

__attribute__((visibility("hidden"))) int hidden(void)
{
    return addend;
}

int twice(int number)
{
    return 2 * number + hidden();
}

__attribute__((weak)) int weak(int number)
{
    return number;
}

int calls_missing(int number)
{
    return missing(number);
}

/* Of two versions of one symbol new programs get the second one. */
int changed_before(int number)
{
    return number;
}

int changed_after(int number)
{
    return number + 1;
}

__asm__(".symver changed_before, changed@OFFERED_1");
__asm__(".symver changed_after, changed@@OFFERED_2");

/* Clang has no attribute for it where the C library is musl. */
static int chosen_one(int number)
{
    return number + 100;
}

__attribute__((used)) static int (*choose(void))(int)
{
    return chosen_one;
}

__asm__(".globl chosen\n.type chosen, @gnu_indirect_function\n.set chosen, choose");
