"""The programs that run in the kernel, in C; this package only compiles them and says where they are."""
