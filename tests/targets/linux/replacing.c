/* As replaced.c, command by command, and laid out as it is. */
#define LETTER 'b'
#include "replaced.c"
