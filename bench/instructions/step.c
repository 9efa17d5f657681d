/*
 * step <command…>: runs a command and counts the machine instructions of its main thread between marks. A mark is the
 * signal SIGUSR2 that the command sends to itself; it never arrives there. The first opens a section, the next closes it,
 * and so on. Prints the count of each section on a line to descriptor 3. In a section the thread runs one instruction at a
 * time (ptrace), outside of them at full speed. With STEP_HISTOGRAM set, the address of every instruction is counted too,
 * and written there at the end.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUCKETS (1u << 20)

static struct bucket { unsigned long address, count; } *histogram;

static void note(pid_t pid) {
#ifdef __x86_64__
  unsigned long address = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0);
  unsigned at = (address * 0x9e3779b97f4a7c15ul) >> 44;
  while (histogram[at].count != 0 && histogram[at].address != address) at = (at + 1) % BUCKETS;
  histogram[at].address = address;
  histogram[at].count++;
#else
  (void)pid;
#endif
}

static void write_histogram(const char *path) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return;
  for (unsigned at = 0; at < BUCKETS; at++)
    if (histogram[at].count != 0) fprintf(file, "%lx %lu\n", histogram[at].address, histogram[at].count);
  fclose(file);
}

int main(int argc, char **argv) {
  const char *histogram_path = getenv("STEP_HISTOGRAM");
  if (argc < 2) return 2;
  if (histogram_path != NULL) histogram = calloc(BUCKETS, sizeof *histogram);
  pid_t pid = fork();
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) {
      perror("ptrace");
      _exit(126);
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  unsigned long steps = 0;
  int inside = 0, status;
  long passed_on = 0;
  while (waitpid(pid, &status, 0) == pid) {
    if (WIFEXITED(status)) {
      if (histogram_path != NULL) write_histogram(histogram_path);
      return WEXITSTATUS(status);
    }
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    int stopped_by = WSTOPSIG(status);
    if (stopped_by == SIGUSR2) {
      if (inside) dprintf(3, "%lu\n", steps);
      inside = !inside;
      steps = 0;
    } else if (stopped_by == SIGTRAP) {
      steps += inside;
      if (inside && histogram != NULL) note(pid);
    }
    passed_on = stopped_by == SIGTRAP || stopped_by == SIGUSR2 ? 0 : stopped_by;
    ptrace(inside ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, passed_on);
  }
  return 1;
}
