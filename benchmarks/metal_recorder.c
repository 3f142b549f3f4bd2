/* metal recorder: a Metal device that stands before the simulated one and writes down what it is
 * given. While it records, nothing is computed, so a whole picture at full size takes seconds. What
 * it says of time is a model, by which the backend sizes its portions as on such a GPU. */
#include <stdlib.h>

#include "backend/metal/metal_device.h"

/* binding begins */

typedef struct recorded {
  int32_t kernel; /* row of metal_kernels.def; -1: a barrier; -2: a commit */
  double flops, bytes;
} recorded;

/* From now on dispatches are written down and not computed. */
void recorder_start(void);
const recorded *recorder_rows(int64_t *count);

/* binding ends */

enum { RECORDER_BARRIER = -1, RECORDER_COMMIT = -2, RECORDER_PORTIONS = 8 };

/* An M1 with 8 cores, the slowest GPU there is. */
static const double FLOPS_PER_SECOND = 2.6e12, BYTES_PER_SECOND = 68e9;

const metal_device_table *metal_device_simulated(void); /* metal_device.m, by another name */

typedef struct recorder_portion {
  const metal_commands *commands;
  double seconds;
} recorder_portion;

static struct {
  metal_device_table table;
  int is_recording;
  recorded *rows;
  int64_t count, capacity;
  recorder_portion portions[RECORDER_PORTIONS];
} recorder;

static void recorder_note(recorded row) {
  if (!recorder.is_recording) return;
  if (recorder.count == recorder.capacity) {
    recorder.capacity = recorder.capacity ? 2 * recorder.capacity : 4096;
    recorder.rows = realloc(recorder.rows, (size_t)recorder.capacity * sizeof row);
    if (!recorder.rows) abort();
  }
  recorder.rows[recorder.count++] = row;
}

/* The portion of these commands; that of NULL is free. */
static recorder_portion *recorder_portion_of(const metal_commands *commands) {
  for (int i = 0; i < RECORDER_PORTIONS; i++)
    if (recorder.portions[i].commands == commands) return &recorder.portions[i];
  abort();
}

static metal_commands *recorder_commands_open(metal_device *d, const char *label) {
  metal_commands *commands = metal_device_simulated()->commands_open(d, label);
  *recorder_portion_of(NULL) = (recorder_portion){commands, 0};
  return commands;
}

static void recorder_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                              const metal_dispatch *d, const metal_buffer *spare) {
  const double compute = d->flops / FLOPS_PER_SECOND, move = d->bytes / BYTES_PER_SECOND;
  recorder_portion_of(c)->seconds += compute > move ? compute : move;
  recorder_note((recorded){(int32_t)d->kernel, d->flops, d->bytes});
  if (!recorder.is_recording) metal_device_simulated()->dispatch(c, pipeline, d, spare);
}

static void recorder_barrier(metal_commands *c) {
  recorder_note((recorded){.kernel = RECORDER_BARRIER});
  metal_device_simulated()->barrier(c);
}

static void recorder_commit(metal_commands *c) {
  recorder_note((recorded){.kernel = RECORDER_COMMIT});
  metal_device_simulated()->commit(c);
}

static int recorder_wait(metal_outcome *out, metal_commands *c, double seconds) {
  const int done = metal_device_simulated()->wait(out, c, seconds);
  if (done) out->seconds = recorder_portion_of(c)->seconds;
  return done;
}

static void recorder_commands_close(metal_commands *c) {
  recorder_portion_of(c)->commands = NULL;
  metal_device_simulated()->commands_close(c);
}

const metal_device_table *metal_device_here(void) {
  recorder.table = *metal_device_simulated();
  recorder.table.commands_open = recorder_commands_open;
  recorder.table.dispatch = recorder_dispatch;
  recorder.table.barrier = recorder_barrier;
  recorder.table.commit = recorder_commit;
  recorder.table.wait = recorder_wait;
  recorder.table.commands_close = recorder_commands_close;
  return &recorder.table;
}

void recorder_start(void) { recorder.is_recording = 1; }

const recorded *recorder_rows(int64_t *count) {
  *count = recorder.count;
  return recorder.rows;
}
