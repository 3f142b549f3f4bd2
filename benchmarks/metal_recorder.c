/* metal recorder: a Metal device that stands before the simulated one and writes down what it is
 * given. While it records, nothing is computed, so a whole picture at full size takes seconds. What
 * it says of time is a model, by which the backend sizes its portions as on such a GPU. */
#include <stdlib.h>
#include <string.h>

#include "backend/metal/metal_device.h"
#include "metal/kernel_args.h"

/* binding begins */

/* Work of a dispatch: what it does by its encoder, or the least that its layer asks of it. */
typedef struct recorded_work {
  double flops;         /* multiply-adds x 2 */
  double read, written; /* device bytes */
} recorded_work;

typedef struct recorded {
  int32_t kernel;  /* row of metal_kernels.def; -1: a commit */
  int32_t barrier; /* 1: it stands behind one */
  recorded_work done, least;
} recorded;

/* From now on dispatches are written down and not computed. */
void recorder_start(void);
const recorded *recorder_rows(int64_t *count);

/* binding ends */

enum { RECORDER_COMMIT = -1, RECORDER_PORTIONS = 8 };

/* An M1 with 8 cores, the slowest GPU there is. */
static const double FLOPS_PER_SECOND = 2.6e12, BYTES_PER_SECOND = 68e9;

const metal_device_table *metal_device_simulated(void); /* metal_device.m, by another name */

typedef struct recorder_portion {
  const metal_commands *commands;
  double seconds;
} recorder_portion;

static struct {
  metal_device_table table;
  int is_recording, is_behind_barrier;
  metal_kernel last_kernel;
  metal_view last_in[METAL_INPUT_MAX]; /* of the dispatch before */
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

/* ---- the least that a layer asks for ---- */

static const char *recorder_name(metal_kernel kernel) {
  static const char *const NAMES[METAL_KERNEL_COUNT] = {
#define KERNEL(id, function, library, constant0, constant1) #id,
#include "backend/metal/metal_kernels.def"
#undef KERNEL
  };
  return NAMES[kernel];
}

static int recorder_is(const metal_dispatch *d, const char *prefix) {
  return !strncmp(recorder_name(d->kernel), prefix, strlen(prefix));
}

static int recorder_is_product(const metal_dispatch *d) {
  const int is_sum = recorder_is(d, "matrix_presum") || recorder_is(d, "matrix_reduce");
  return recorder_is(d, "tensor_") || (recorder_is(d, "matrix_") && !is_sum);
}

/* Whether the dispatch goes on with a layer that was cut into several. */
static int recorder_goes_on(const metal_dispatch *d) {
  if (recorder_is_product(d)) return ((const matrix_args *)d->args)->row_first > 0;
  if (recorder_is(d, "attention")) return ((const attention_args *)d->args)->query_first > 0;
  return 0;
}

/* Products without what tiles do past the ends of a matrix; attention likewise, and all of it with
 * the first dispatch; nothing for sums of weights and of slices, which are this engine's own. */
static double recorder_least_flops(const metal_dispatch *d) {
  if (recorder_is_product(d)) {
    const matrix_args *a = d->args;
    const double taps = a->side * a->side, phases = a->is_phased ? 4 : 1;
    const double depth = taps * (a->x_channels + a->y_channels);
    return 2 * phases * (a->row_end - a->row_first) * depth * a->weight_rows;
  }
  if (recorder_is(d, "attention")) {
    const attention_args *a = d->args;
    const double keys = a->is_causal ? (a->keys + 1) / 2.0 : a->keys;
    if (a->query_first) return 0;
    return 4.0 * d->groups[2] * a->heads * a->queries * keys * a->size;
  }
  return recorder_is(d, "matrix_") ? 0 : d->flops;
}

/* Which holds what a better kernel would keep in its registers. */
static int recorder_is_scratch(metal_view view) {
  return view.buffer && view.buffer->bytes == METAL_SCRATCH_BYTES;
}

static int recorder_is_same(metal_view a, metal_view b) {
  return a.buffer == b.buffer && a.offset == b.offset;
}

/* Each operand once a layer; a norm reads its input twice, of which once is needed. Of a table only
 * some rows are read, and a file's weights may wait in the scratch: both as the encoder says. */
static recorded_work recorder_least(const metal_dispatch *d) {
  const int goes_on = recorder_goes_on(d) && d->kernel == recorder.last_kernel;
  const int is_second = recorder_is(d, "group_norm_apply");
  recorded_work least = {.flops = recorder_least_flops(d),
                         .written = recorder_is_scratch(d->out) ? 0 : d->written_bytes};
  for (int32_t i = is_second ? 2 : 0; i < d->in_count; i++)
    if (!recorder_is_scratch(d->in[i]) &&
        !(goes_on && recorder_is_same(d->in[i], recorder.last_in[i])))
      least.read += (double)d->in[i].bytes;
  if (recorder_is(d, "embedding") || recorder_is(d, "unpack") || recorder_is(d, "copy_bytes"))
    least.read = d->read_bytes;
  return least;
}

static void recorder_note_dispatch(const metal_dispatch *d) {
  recorder_note((recorded){.kernel = (int32_t)d->kernel,
                           .barrier = recorder.is_behind_barrier,
                           .done = {d->flops, d->read_bytes, d->written_bytes},
                           .least = recorder_least(d)});
  recorder.is_behind_barrier = 0;
  recorder.last_kernel = d->kernel;
  memcpy(recorder.last_in, d->in, sizeof recorder.last_in);
}

/* ---- the device ---- */

static void recorder_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                              const metal_dispatch *d, const metal_buffer *spare) {
  const double compute = d->flops / FLOPS_PER_SECOND;
  const double move = (d->read_bytes + d->written_bytes) / BYTES_PER_SECOND;
  recorder_portion_of(c)->seconds += compute > move ? compute : move;
  recorder_note_dispatch(d);
  if (!recorder.is_recording) metal_device_simulated()->dispatch(c, pipeline, d, spare);
}

static void recorder_barrier(metal_commands *c) {
  recorder.is_behind_barrier = 1;
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
