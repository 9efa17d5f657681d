/*
 * step <command…>: runs a command and counts the machine instructions of its main thread between marks. A mark is the
 * signal SIGUSR2 that the command sends to itself; it never arrives there. The first opens a section, the next closes it,
 * and so on. Prints the count of each section on a line to descriptor 3. In a section the thread runs one instruction at a
 * time (ptrace), outside of them at full speed. With STEP_TRACE set, the address of every instruction and its stack pointer
 * are written there, 8 bytes each, and two zeros behind each section.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *trace;

static void note(pid_t pid) {
#ifdef __x86_64__
  struct user_regs_struct registers;
  ptrace(PTRACE_GETREGS, pid, 0, &registers);
  unsigned long pair[] = {registers.rip, registers.rsp};
  fwrite(pair, sizeof pair, 1, trace);
#else
  (void)pid;
#endif
}

static void end_section(void) {
  unsigned long pair[] = {0, 0};
  fwrite(pair, sizeof pair, 1, trace);
}

int main(int argc, char **argv) {
  const char *trace_path = getenv("STEP_TRACE");
  if (argc < 2) return 2;
  if (trace_path != NULL && (trace = fopen(trace_path, "w")) == NULL) {
    perror(trace_path);
    return 2;
  }
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
      if (trace != NULL) fclose(trace);
      return WEXITSTATUS(status);
    }
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    int stopped_by = WSTOPSIG(status);
    if (stopped_by == SIGUSR2) {
      if (inside) dprintf(3, "%lu\n", steps);
      if (inside && trace != NULL) end_section();
      inside = !inside;
      steps = 0;
    } else if (stopped_by == SIGTRAP) {
      steps += inside;
      if (inside && trace != NULL) note(pid);
    }
    passed_on = stopped_by == SIGTRAP || stopped_by == SIGUSR2 ? 0 : stopped_by;
    ptrace(inside ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, passed_on);
  }
  return 1;
}
