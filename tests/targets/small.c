/* A DLL with nothing in it but its entry, which copies of are loaded by the hundred. */
int __stdcall _DllMainCRTStartup(void *module, unsigned reason, void *reserved)
{
    (void)module; (void)reason; (void)reserved;
    return 1;
}
