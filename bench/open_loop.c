/* Opens and closes a file as often as told; prints nanoseconds for each. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	long times = count > 1 ? atol(arguments[1]) : 100000;
	struct timespec began, ended;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (long turn = 0; turn < times; turn++)
		close(open("/etc/hostname", O_RDONLY));
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%f\n", ((ended.tv_sec - began.tv_sec) * 1e9 + ended.tv_nsec - began.tv_nsec) / times);
	return 0;
}
