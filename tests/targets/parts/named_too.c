/* The second file of named.c: it has names that the first one has too. */

static int counter = 2;

__declspec(noinline) static int step(int by)
{
    counter += by;
    return counter;
}

int step_too(int by)
{
    return step(by);
}

void *counter_too(void)
{
    return &counter;
}

void *where_step_too(void)
{
    return (void *)step;
}
