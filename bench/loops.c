/*
 * Does one thing as often as told (reads a byte, opens the file that is named last, runs a program), and prints nanoseconds
 * of processor time for each, without that of processes that it starts; or creates files that cannot be, at a rate.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void run(void)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* So many a second, in slices of ten milliseconds, for so many seconds; prints how many in all. */
static void create(long rate, long seconds)
{
	long long begin = now(CLOCK_MONOTONIC), number = 0;

	for (long slice = 1; slice <= seconds * 100; slice++) {
		long long left;

		for (; number < slice * rate / 100; number++)
			creat("/nonexistent/file", 0);
		left = begin + slice * 10000000 - now(CLOCK_MONOTONIC);
		if (left > 0)
			usleep(left / 1000);
	}
	printf("%lld\n", number);
}

int main(int count, char **arguments)
{
	const char *what = arguments[1];
	long times = atol(arguments[2]);
	int zero = open("/dev/zero", O_RDONLY);
	long long began;
	char byte;

	if (!strcmp(what, "create")) {
		create(times, atol(arguments[3]));
		return 0;
	}
	began = now(CLOCK_PROCESS_CPUTIME_ID);
	for (long turn = 0; turn < times; turn++) {
		if (!strcmp(what, "read"))
			read(zero, &byte, 1);
		else if (!strcmp(what, "open"))
			close(open(arguments[3], O_RDONLY));
		else
			run();
	}
	printf("%f\n", (double)(now(CLOCK_PROCESS_CPUTIME_ID) - began) / times);
	return 0;
}
