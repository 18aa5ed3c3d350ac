/* Reads one byte of a file of zeroes as often as told; prints nanoseconds for each. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	long times = count > 1 ? atol(arguments[1]) : 100000;
	struct timespec began, ended;
	int file = open("/dev/zero", O_RDONLY);
	char byte;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (long turn = 0; turn < times; turn++)
		if (read(file, &byte, 1) != 1)
			return 1;
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%f\n", ((ended.tv_sec - began.tv_sec) * 1e9 + ended.tv_nsec - began.tv_nsec) / times);
	return 0;
}
