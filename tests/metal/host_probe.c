/* host_probe: lets a test drive the Metal backend's way of a dispatch to the GPU with a device that
 * only notes what it is told, and may hang or fail; and its tracking of hazards by itself.
 * host_probe.py hands the part between the marker lines to cffi. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/metal/metal_failures.h"
#include "backend/metal/metal_state.h"
#include "base/error.h"
#include "base/threads.h"

/* binding begins */

typedef struct probe_range {
  int32_t buffer; /* 0: absent, else the number of a buffer */
  int64_t begin, bytes;
} probe_range;

typedef struct probe_dispatch {
  probe_range out, out2, in[8];
  int32_t in_count, out2_is_flag;
} probe_dispatch;

/* is_behind[i]: whether dispatch i is put behind a barrier. */
void probe_hazards(int32_t *is_behind, const probe_dispatch *dispatches, int32_t count);

/* A row of equal dispatches to a device that hangs or fails. */
typedef struct probe_script {
  int32_t dispatches;
  double flops;           /* of one */
  double slowness;        /* seconds that a portion takes, over what was estimated at first */
  double pace_before;     /* 0: 1 */
  int32_t fails_at, code; /* command buffer, counted from 1, that ends with this code; 0: none */
  int32_t hangs_at;       /* from this one on nothing ends; 0: none */
  int32_t stops_at;       /* the flag is raised before this dispatch, counted from 1; 0: never */
} probe_script;

/* events: a letter for each call of the device: o(pen) d(ispatch) c(ommit) w(ait) h(ang) x (close).
 * Ends without a zero byte at `capacity`. */
typedef struct probe_story {
  sd_error error;
  char events[8192];
  int32_t event_count;
  int32_t flying_most;   /* committed and not waited for */
  int32_t is_idle;       /* afterwards */
  int32_t is_idle_later; /* once the hanging ones have ended */
  int32_t open_later;    /* command buffers that were never closed */
  double pace, limit;    /* learnt: over the estimate, and FLOPs of one dispatch */
} probe_story;

void probe_commands(probe_story *out, const probe_script *script);

/* The sentence of a command buffer's error code, and of its encoder's state. */
sd_status probe_failure(sd_error *out, int64_t code, int64_t encoder);

/* Pipelines that a device was asked for: in all, and most at once. processors: of this process. */
typedef struct probe_opening {
  int32_t pipelines, at_once, processors;
} probe_opening;

void probe_kernels(probe_opening *out);

/* 1: the line is a tuning of this device; `out` is that tuning, written again. */
int32_t probe_tuning(char *out, int32_t size, const char *line, const char *device);

/* binding ends */

/* ---- hazards ---- */

static metal_view probe_view(metal_buffer *buffers, const probe_range *r) {
  return r->buffer ? (metal_view){&buffers[r->buffer], r->begin, r->bytes} : (metal_view){0};
}

void probe_hazards(int32_t *is_behind, const probe_dispatch *dispatches, int32_t count) {
  metal_buffer buffers[8] = {0};
  metal_hazards *hazards = calloc(1, sizeof *hazards);
  for (int32_t i = 0; i < count; i++) {
    const probe_dispatch *from = &dispatches[i];
    metal_dispatch d = {.out = probe_view(buffers, &from->out),
                        .out2 = probe_view(buffers, &from->out2),
                        .in_count = from->in_count,
                        .out2_is_flag = from->out2_is_flag};
    for (int32_t k = 0; k < from->in_count; k++) d.in[k] = probe_view(buffers, &from->in[k]);
    is_behind[i] = metal_hazards_add(hazards, &d);
  }
  free(hazards);
}

/* ---- commands ---- */

struct metal_device {
  const probe_script *script;
  probe_story *story;
  int32_t opened, flying, is_over; /* is_over: what hung has ended */
  double first_estimate;
};

struct metal_commands {
  metal_device *device;
  int32_t number, is_waited_for;
  double dispatches;
};

static void probe_note(metal_device *d, char event) {
  probe_story *story = d->story;
  if (story->event_count < (int32_t)sizeof story->events)
    story->events[story->event_count++] = event;
}

static metal_commands *probe_open(metal_device *d, const char *label) {
  (void)label;
  metal_commands *c = calloc(1, sizeof *c);
  *c = (metal_commands){.device = d, .number = ++d->opened};
  d->story->open_later++;
  probe_note(d, 'o');
  return c;
}

static void probe_encode(metal_commands *c, const metal_pipeline *pipeline,
                         const metal_dispatch *dispatch, const metal_buffer *spare) {
  (void)pipeline, (void)dispatch, (void)spare;
  c->dispatches++;
  probe_note(c->device, 'd');
}

static void probe_commit(metal_commands *c) {
  metal_device *d = c->device;
  probe_note(d, 'c');
  if (++d->flying > d->story->flying_most) d->story->flying_most = d->flying;
}

static int probe_wait(metal_outcome *out, metal_commands *c, double seconds) {
  const probe_script *script = c->device->script;
  const int hangs = script->hangs_at && c->number >= script->hangs_at && !c->device->is_over;
  (void)seconds;
  if (hangs) {
    probe_note(c->device, 'h');
    return 0;
  }
  probe_note(c->device, 'w');
  c->device->flying--;
  *out = (metal_outcome){.code = c->number == script->fails_at ? script->code : 0,
                         .seconds = script->slowness * c->dispatches * script->flops / 1e12,
                         .text = "as the script says"};
  return 1;
}

static void probe_close(metal_commands *c) {
  probe_note(c->device, 'x');
  c->device->story->open_later--;
  free(c);
}

static void probe_buffer_close(metal_device *d, metal_buffer *buffer) { (void)d, (void)buffer; }

static const metal_device_table PROBE_TABLE = {.commands_open = probe_open,
                                               .dispatch = probe_encode,
                                               .commit = probe_commit,
                                               .wait = probe_wait,
                                               .commands_close = probe_close,
                                               .buffer_close = probe_buffer_close};

void probe_commands(probe_story *out, const probe_script *script) {
  *out = (probe_story){0};
  metal_device device = {.script = script, .story = out};
  metal_pipeline pipeline = {.max_threads = 1024};
  atomic_int stop = 0;
  metal_backend *m = calloc(1, sizeof *m);
  m->base.stop = &stop;
  m->driver = &PROBE_TABLE;
  m->device = &device;
  m->pace = script->pace_before > 0 ? script->pace_before : 1;
  m->kernels.pipelines[0] = &pipeline;
  const metal_dispatch d = {.threads = 32, .flops = script->flops};
  for (int32_t i = 1; i <= script->dispatches; i++) {
    if (i == script->stops_at) atomic_store(&stop, 1);
    metal_encode(m, &d);
  }
  metal_end(m, &out->error);
  out->pace = m->pace;
  out->limit = metal_dispatch_limit(m);
  out->is_idle = metal_is_idle(m);
  device.is_over = 1;
  out->is_idle_later = metal_is_idle(m);
  free(m);
}

sd_status probe_failure(sd_error *out, int64_t code, int64_t encoder) {
  const metal_outcome outcome = {.code = code, .encoder = encoder, .text = "the system's words"};
  return metal_failure(out, &outcome, "a layer");
}

/* ---- pipelines ---- */

enum { PROBE_LIBRARIES = 3, PROBE_COMPILES_US = 2000 };

struct metal_library {
  pthread_mutex_t mutex; /* guards what follows */
  int32_t opening;
  probe_opening found;
};

static void probe_facts(metal_facts *out, const metal_device *d) {
  (void)d;
  *out = (metal_facts){.apple_family = 10, .has_metal4 = 1};
}

/* The texts stand for the libraries themselves. */
static metal_library *probe_library_open(metal_device *d, const sd_metal_source *source,
                                         char **log) {
  (void)d;
  *log = NULL;
  return (metal_library *)(uintptr_t)source->text;
}

static void probe_library_close(metal_library *library) { (void)library; }

static metal_pipeline *probe_pipeline_open(metal_library *library, const char *function,
                                           const uint32_t constants[2], char **log) {
  (void)function, (void)constants;
  *log = NULL;
  pthread_mutex_lock(&library->mutex);
  probe_opening *found = &library->found;
  found->pipelines++;
  if (++library->opening > found->at_once) found->at_once = library->opening;
  pthread_mutex_unlock(&library->mutex);
  usleep(PROBE_COMPILES_US);
  pthread_mutex_lock(&library->mutex);
  library->opening--;
  pthread_mutex_unlock(&library->mutex);
  return calloc(1, sizeof(metal_pipeline));
}

static void probe_pipeline_close(metal_pipeline *pipeline) { free(pipeline); }

void probe_kernels(probe_opening *out) {
  static const char *const NAMES[PROBE_LIBRARIES] = {"core", "bf16", "tensor"};
  static const metal_device_table TABLE = {.facts = probe_facts,
                                           .library_open = probe_library_open,
                                           .library_close = probe_library_close,
                                           .pipeline_open = probe_pipeline_open,
                                           .pipeline_close = probe_pipeline_close};
  metal_library library = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  sd_metal_source sources[PROBE_LIBRARIES];
  for (int32_t i = 0; i < PROBE_LIBRARIES; i++)
    sources[i] = (sd_metal_source){NAMES[i], (const char *)&library, 30};
  metal_kernels *kernels = calloc(1, sizeof *kernels);
  metal_kernels_open(kernels, &TABLE, NULL, sources, PROBE_LIBRARIES);
  metal_kernels_close(kernels, &TABLE);
  free(kernels);
  *out = library.found;
  out->processors = threads_processors();
}

int32_t probe_tuning(char *out, int32_t size, const char *line, const char *device) {
  metal_tuning tuning;
  if (!metal_tuning_read(&tuning, line, device)) return 0;
  metal_tuning_write(out, (size_t)size, &tuning, device);
  return 1;
}
