/* upload_probe: lets a test upload many small matrices to the Metal backend, with a device that
 * only notes what it is told, and may hang or fail. The matrices lie in private pages that stand
 * for a file's mapping: pages that are dropped read as zeros. test_uploads.py hands the part
 * between the marker lines to cffi. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/metal/metal_state.h"

/* binding begins */

enum { PROBE_NOTHING, PROBE_RUN, PROBE_RESERVE, PROBE_DROP };

typedef struct probe_script {
  int32_t weights;   /* f32 matrices, which are packed */
  int32_t side;      /* rows and columns of each */
  int32_t is_mapped; /* in pages of a mapping, which may be dropped */
  int32_t then; /* what follows: PROBE_RUN of no node, PROBE_RESERVE, PROBE_DROP of the first */
  int32_t code; /* the command buffer `fails_at`, counted from 1, ends with it; 0: none */
  int32_t fails_at;
  int32_t hangs_at;   /* from this one on nothing ends; 0: none */
  int32_t stops_at;   /* the flag is raised before this weight, counted from 1, comes; 0: never */
  int32_t lacks_room; /* the device gives no buffer to weights from this one on; 0: it gives all */
} probe_script;

typedef struct probe_story {
  sd_error error;          /* of the first call that failed */
  int32_t accepted;        /* weights whose upload was well */
  int32_t there;           /* weights that count as uploaded, at the end */
  int64_t weight_bytes;    /* as the backend counts them, at the end */
  int32_t command_buffers; /* that were committed */
  int32_t dispatches, barriers;
  int32_t whole, spoilt; /* sources that were as at first when the GPU ended, and others */
  int32_t is_dropped;    /* whether the mapping has been dropped, at the end */
  int32_t again;         /* weights that a second try uploads, the device being well */
  int32_t buffers_left;  /* once all is closed */
} probe_story;

void probe_uploads(probe_story *out, const probe_script *script);

/* binding ends */

enum { PROBE_SOURCES = 4096 };

struct metal_device {
  const probe_script *script;
  probe_story *story;
  const weight *coming;
  int32_t opened, buffers, source_count;
  int32_t is_watched, is_well;         /* in the story; past it, nothing fails */
  const float *sources[PROBE_SOURCES]; /* that command buffers read which have not ended */
};

static metal_device probe_device; /* the table's functions have no other */
static atomic_int probe_stop;

struct metal_commands {
  metal_device *device;
  int32_t number;
};

/* ---- the device ---- */

static sd_status probe_open(metal_device **out, sd_error *error) {
  (void)error;
  *out = &probe_device;
  return SD_OK;
}

static void probe_close(metal_device *d) { (void)d; }

static void probe_facts(metal_facts *out, const metal_device *d) {
  (void)d;
  *out = (metal_facts){.name = "probe", .apple_family = 7, .buffer_limit = INT64_MAX};
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
  (void)library, (void)function, (void)constants;
  *log = NULL;
  metal_pipeline *pipeline = calloc(1, sizeof *pipeline);
  pipeline->max_threads = 1024;
  return pipeline;
}

static void probe_pipeline_close(metal_pipeline *pipeline) { free(pipeline); }

static void probe_condition(sd_condition *out, const metal_device *d) {
  (void)d;
  *out = (sd_condition){0};
}

static metal_buffer *probe_buffer_of(metal_device *d, void *contents, int64_t bytes, void *handle) {
  metal_buffer *buffer = calloc(1, sizeof *buffer);
  *buffer = (metal_buffer){contents, bytes, handle};
  d->buffers++;
  return buffer;
}

static metal_buffer *probe_buffer_open(metal_device *d, int64_t bytes) {
  const int32_t first = d->script->lacks_room;
  if (first && d->is_watched && atoi(d->coming->name) >= first) return NULL;
  void *contents = calloc(1, (size_t)bytes);
  return probe_buffer_of(d, contents, bytes, contents);
}

static metal_buffer *probe_buffer_wrap(metal_device *d, const void *pages, int64_t bytes) {
  return probe_buffer_of(d, (void *)(uintptr_t)pages, bytes, NULL);
}

static void probe_buffer_close(metal_device *d, metal_buffer *buffer) {
  d->buffers--;
  free(buffer->handle);
  free(buffer);
}

static metal_commands *probe_commands_open(metal_device *d, const char *label) {
  (void)label;
  metal_commands *c = calloc(1, sizeof *c);
  *c = (metal_commands){d, ++d->opened};
  return c;
}

static void probe_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                           const metal_dispatch *dispatch, const metal_buffer *spare) {
  (void)pipeline, (void)spare;
  metal_device *d = c->device;
  if (!d->is_watched) return;
  const metal_view source = dispatch->in[0];
  const char *at = (const char *)source.buffer->contents + source.offset;
  d->sources[d->source_count++] = (const float *)(const void *)at;
  d->story->dispatches++;
}

static void probe_barrier(metal_commands *c) {
  c->device->story->barriers += c->device->is_watched;
}

static void probe_commit(metal_commands *c) {
  c->device->story->command_buffers += c->device->is_watched;
}

/* Weight w is full of w's number, so a source that was written over or dropped is seen. */
static void probe_look(metal_device *d) {
  float wanted = 0;
  for (int32_t i = 0; i < d->source_count; i++) {
    const float number = d->sources[i][0];
    *(number > wanted ? &d->story->whole : &d->story->spoilt) += 1;
    wanted = number;
  }
  d->source_count = 0;
}

static int probe_wait(metal_outcome *out, metal_commands *c, double seconds) {
  metal_device *d = c->device;
  const probe_script *script = d->script;
  const int32_t number = d->is_watched ? c->number : 0;
  (void)seconds;
  if (script->hangs_at && number >= script->hangs_at) return 0;
  probe_look(d);
  *out = (metal_outcome){.code = number && number == script->fails_at ? script->code : 0};
  return 1;
}

static void probe_commands_close(metal_commands *c) { free(c); }

static const metal_device_table PROBE_TABLE = {.open = probe_open,
                                               .close = probe_close,
                                               .facts = probe_facts,
                                               .library_open = probe_library_open,
                                               .library_close = probe_library_close,
                                               .pipeline_open = probe_pipeline_open,
                                               .pipeline_close = probe_pipeline_close,
                                               .condition = probe_condition,
                                               .buffer_open = probe_buffer_open,
                                               .buffer_wrap = probe_buffer_wrap,
                                               .buffer_close = probe_buffer_close,
                                               .commands_open = probe_commands_open,
                                               .dispatch = probe_dispatch,
                                               .barrier = probe_barrier,
                                               .commit = probe_commit,
                                               .wait = probe_wait,
                                               .commands_close = probe_commands_close};

/* ---- the weights ---- */

typedef struct probe_weights {
  weight *rows;
  char (*names)[24];
  float *pages;
  size_t bytes;
} probe_weights;

static void probe_weights_open(probe_weights *w, const probe_script *script) {
  const size_t numbers = (size_t)script->side * (size_t)script->side;
  const size_t count = (size_t)script->weights;
  w->bytes = count * numbers * sizeof(float);
  w->rows = calloc(count, sizeof *w->rows);
  w->names = calloc(count, sizeof *w->names);
  w->pages = mmap(NULL, w->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < count; i++) {
    float *data = w->pages + i * numbers;
    for (size_t k = 0; k < numbers; k++) data[k] = (float)(i + 1);
    snprintf(w->names[i], sizeof w->names[i], "%zu", i + 1);
    w->rows[i] = (weight){.name = w->names[i],
                          .data = data,
                          .rank = 2,
                          .shape = {script->side, script->side, 1, 1},
                          .mapping = script->is_mapped ? w->pages : NULL,
                          .mapping_bytes = script->is_mapped ? (int64_t)w->bytes : 0,
                          .kind = WEIGHT_MATRIX,
                          .out = script->side,
                          .in = script->side,
                          .kernel_h = 1,
                          .kernel_w = 1};
  }
}

static void probe_weights_close(probe_weights *w) {
  munmap(w->pages, w->bytes);
  free(w->names);
  free(w->rows);
}

static int32_t probe_there(const probe_weights *w, int32_t count) {
  int32_t there = 0;
  for (int32_t i = 0; i < count; i++) there += w->rows[i].packed != NULL;
  return there;
}

static sd_status probe_upload_all(probe_weights *w, backend *b, int32_t *accepted,
                                  sd_error *error) {
  const probe_script *script = probe_device.script;
  for (int32_t i = 0; i < script->weights; i++) {
    if (probe_device.is_watched && i + 1 == script->stops_at) atomic_store(&probe_stop, 1);
    probe_device.coming = &w->rows[i];
    const sd_status status = b->table->upload(b, &w->rows[i], error);
    if (status) return status;
    ++*accepted;
  }
  return SD_OK;
}

static void probe_follow(const probe_script *script, probe_weights *w, backend *b,
                         sd_error *error) {
  const graph nothing = {.node_count = 0};
  run_report report;
  if (script->then == PROBE_RUN) b->table->run(b, &nothing, &report, error);
  if (script->then == PROBE_RESERVE) b->table->reserve(b, 4096, error);
  if (script->then == PROBE_DROP) b->table->drop(b, &w->rows[0]);
}

static void probe_watch(probe_story *out, probe_weights *w, backend *b) {
  const probe_script *script = probe_device.script;
  probe_device.opened = 0;
  probe_device.is_watched = 1;
  if (!probe_upload_all(w, b, &out->accepted, &out->error)) probe_follow(script, w, b, &out->error);
  probe_device.is_watched = 0;
  out->there = probe_there(w, script->weights);
  out->weight_bytes = metal_of(b)->weight_bytes;
  out->is_dropped = w->pages[0] == 0;
}

/* What a next job does, and the end of the model. */
static void probe_again(probe_story *out, probe_weights *w, backend *b) {
  const int32_t count = probe_device.script->weights;
  int32_t accepted = 0;
  sd_error unread;
  atomic_store(&probe_stop, 0);
  if (!probe_upload_all(w, b, &accepted, &unread)) b->table->reserve(b, 4096, &unread);
  out->again = probe_there(w, count);
  for (int32_t i = 0; i < count; i++)
    if (w->rows[i].packed) b->table->drop(b, &w->rows[i]);
}

/* The start-up check finds that this device computes nothing; its findings are put aside. */
static backend *probe_backend(backend *cpu) {
  const sd_metal_source sources[] = {{"core", "core", 30}};
  const metal_setting setting = {.driver = &PROBE_TABLE,
                                 .sources = sources,
                                 .source_count = 1,
                                 .fallback = {cpu, cpu_backend_borrow}};
  backend *b = NULL;
  sd_error unread;
  if (metal_backend_open(&b, &setting, &probe_stop, &unread)) abort();
  memset(metal_of(b)->is_fallen, 0, sizeof metal_of(b)->is_fallen);
  metal_of(b)->pace = 1;
  return b;
}

void probe_uploads(probe_story *out, const probe_script *script) {
  *out = (probe_story){0};
  probe_device = (metal_device){.script = script, .story = out};
  atomic_store(&probe_stop, 0);
  backend *cpu = NULL;
  if (cpu_backend_open(&cpu, 1, -1, &probe_stop, &out->error)) return;
  backend *b = probe_backend(cpu);
  probe_weights weights;
  probe_weights_open(&weights, script);
  probe_watch(out, &weights, b);
  probe_again(out, &weights, b);
  probe_weights_close(&weights);
  b->table->close(b);
  cpu->table->close(cpu);
  out->buffers_left = probe_device.buffers;
}
