/* What tests ask for: faults, counters, power, memory pressure; and the means of the other files.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"

enum { MOST_FAULTS = 16, NAME_BYTES = 96 };

typedef struct {
  char name[NAME_BYTES], value[NAME_BYTES];
  long first;   /* happens from this time on; 0: always */
  bool onwards; /* and at all later ones */
  long seen;
} sim_planned_fault;

static struct {
  pthread_mutex_t mutex;
  sim_planned_fault faults[MOST_FAULTS];
  int fault_count;
  int thermal_state, low_power;
} control = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Atomic int64_t counters[SIM_COUNTERS];

static const char *const counter_names[SIM_COUNTERS] = {
    "live_buffers",    "live_libraries",       "live_functions",  "live_pipelines",
    "live_queues",     "live_command_buffers", "live_encoders",   "live_residency_sets",
    "allocated_bytes", "libraries_compiled",   "command_buffers", "dispatches",
    "barriers",        "threadgroups"};

static const char *const fault_names[] = {
    "compile",         "compile_warning", "pipeline",      "pipeline_threads", "allocation",
    "allocation_over", "wrong",           "internal",      "timeout",          "page_fault",
    "access_revoked",  "out_of_memory",   "device_removed"};

void sim_count(sim_counter counter, int64_t change) { counters[counter] += change; }

int64_t sim_counted(sim_counter counter) { return counters[counter]; }

int64_t metal_sim_counter(const char *name) {
  sim_wait_until_idle();
  for (int i = 0; i < SIM_COUNTERS; i++)
    if (!strcmp(name, counter_names[i])) return counters[i];
  if (!strcmp(name, "bytes_read")) return msl_traffic(0);
  if (!strcmp(name, "bytes_written")) return msl_traffic(1);
  return -1;
}

static bool is_fault(const char *name) {
  for (size_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
    if (!strcmp(name, fault_names[i])) return true;
  return false;
}

/* NAME, NAME=VALUE, either with @N or @N+ behind it. */
static bool read_fault(const char *text, size_t length, sim_planned_fault *fault) {
  char entry[2 * NAME_BYTES];
  if (length >= sizeof entry) return false;
  memcpy(entry, text, length);
  entry[length] = 0;
  *fault = (sim_planned_fault){.onwards = true};
  char *time = strrchr(entry, '@');
  if (time) {
    *time++ = 0;
    char *end;
    fault->first = strtol(time, &end, 10);
    fault->onwards = *end == '+';
    if (fault->first < 1) return false;
  }
  char *value = strchr(entry, '=');
  if (value) *value++ = 0;
  snprintf(fault->name, NAME_BYTES, "%.95s", entry);
  snprintf(fault->value, NAME_BYTES, "%.95s", value ? value : "");
  return is_fault(fault->name);
}

int metal_sim_set_faults(const char *faults) {
  sim_wake();
  return sim_set_faults(faults);
}

int sim_set_faults(const char *faults) {
  sim_planned_fault read[MOST_FAULTS];
  int count = 0;
  const char *at = faults ? faults : "";
  while (*at) {
    size_t length = strcspn(at, ";");
    if (count == MOST_FAULTS || !read_fault(at, length, &read[count])) return -1;
    count++;
    at += length + (at[length] == ';');
  }
  pthread_mutex_lock(&control.mutex);
  memcpy(control.faults, read, sizeof read);
  control.fault_count = count;
  pthread_mutex_unlock(&control.mutex);
  return 0;
}

static bool happens(const char *name, const char *kernel, const char **value) {
  bool now = false;
  pthread_mutex_lock(&control.mutex);
  for (int i = 0; i < control.fault_count && !now; i++) {
    sim_planned_fault *fault = &control.faults[i];
    if (strcmp(fault->name, name) || (kernel && strcmp(fault->value, kernel))) continue;
    fault->seen++;
    now = fault->onwards ? fault->seen >= fault->first : fault->seen == fault->first;
    if (value) *value = fault->value;
  }
  pthread_mutex_unlock(&control.mutex);
  return now;
}

bool sim_fault(const char *name, const char **value) { return happens(name, NULL, value); }

bool sim_fault_of_kernel(const char *name, const char *kernel) {
  return happens(name, kernel, NULL);
}

void sim_need(bool condition, const char *format, ...) {
  if (condition) return;
  va_list arguments;
  va_start(arguments, format);
  fputs("Metal simulator: failed assertion: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  abort();
}

NSError *sim_error(NSString *domain, NSInteger code, NSString *text) {
  NSDictionary *info = [NSDictionary dictionaryWithObject:text forKey:NSLocalizedDescriptionKey];
  return [NSError errorWithDomain:domain code:code userInfo:info];
}

long sim_setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtol(text, NULL, 10) : otherwise;
}

void metal_sim_set_mode(int check, unsigned seed, int workers) {
  sim_wake();
  msl_configure(check, seed, workers);
}

void metal_sim_set_power(int thermal_state, int low_power) {
  control.thermal_state = thermal_state;
  control.low_power = low_power;
}

@implementation NSProcessInfo (MetalSimulator)
- (NSProcessInfoThermalState)thermalState {
  return (NSProcessInfoThermalState)control.thermal_state;
}
- (BOOL)isLowPowerModeEnabled {
  return control.low_power != 0;
}
@end
