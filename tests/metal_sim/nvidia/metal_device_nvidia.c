/* metal device on an NVIDIA GPU: the table of metal_device.h over NVIDIA's driver, so that the
 * engine's own backend runs the unmodified kernels, compiled by compile_ptx.py, at full size and
 * truly in parallel. It stands in the place of metal_device.m in a build of the tests; see
 * README.md here.
 *
 * The folder $METAL_NVIDIA_KERNELS holds the libraries; what a command buffer records is launched
 * when it is committed, in order, so that barriers have nothing to do. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arguments.h"
#include "backend/metal/metal_device.h"
#include "base/error.h"
#include "cuda.h"

enum { NAME_BYTES = 96, KERNELS_MOST = 256, DISPATCHES_MOST = 4096, ARGS_ALIGNMENT = 256 };

struct metal_device {
  cuda_driver cuda;
  cuda_context context;
  cuda_stream stream;
  int ordinal;
  int64_t allocated_bytes;
};

typedef struct kernel_name {
  int number;
  char name[NAME_BYTES];
} kernel_name;

struct metal_library {
  metal_device *device;
  cuda_module module;
  int count;
  kernel_name kernels[KERNELS_MOST];
};

typedef struct launch {
  const metal_pipeline *pipeline;
  msl_nvidia_arguments arguments;
  uint32_t groups[3], threads, threadgroup_bytes;
  size_t args_at; /* in the commands' arguments */
  int has_args;
} launch;

struct metal_commands {
  metal_device *device;
  launch *launches;
  int count;
  unsigned char *args;
  size_t args_bytes, args_capacity;
  cuda_address device_args;
  cuda_event begin, end;
  cuda_result failed;
};

/* ---- device ---- */

static int device_find_driver(cuda_driver *cuda) {
  cuda->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!cuda->library) return 0;
  int complete = 1;
#define CUDA_FIND(name, symbol, parameters)                \
  *(void **)(&cuda->name) = dlsym(cuda->library, #symbol); \
  complete = complete && cuda->name != NULL;
  CUDA_FUNCTIONS(CUDA_FIND)
#undef CUDA_FIND
  return complete;
}

/* The engine calls from several threads; each must have the context. */
static void device_use(const metal_device *d) { d->cuda.use(d->context); }

static void device_close(metal_device *d) {
  if (d->stream) d->cuda.stream_close(d->stream);
  if (d->context) d->cuda.release(d->ordinal);
  if (d->cuda.library) dlclose(d->cuda.library);
  free(d);
}

static sd_status device_open(metal_device **out, sd_error *error) {
  *out = NULL;
  metal_device *d = calloc(1, sizeof *d);
  if (!d) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the NVIDIA device");
  const int works = device_find_driver(&d->cuda) && !d->cuda.init(0) &&
                    !d->cuda.device(&d->ordinal, 0) && !d->cuda.retain(&d->context, d->ordinal) &&
                    !d->cuda.use(d->context) && !d->cuda.stream_open(&d->stream, 0);
  if (!works) {
    device_close(d);
    return error_set(error, SD_BACKEND_FAILED, "there is no NVIDIA GPU with a driver");
  }
  *out = d;
  return SD_OK;
}

static void device_facts(metal_facts *out, const metal_device *d) {
  device_use(d);
  const char *family = getenv("METAL_NVIDIA_FAMILY");
  *out =
      (metal_facts){.apple_family = family ? atoi(family) : 7, .buffer_limit = (int64_t)64 << 30};
  d->cuda.device_name(out->name, (int)sizeof out->name, d->ordinal);
}

static void device_condition(sd_condition *out, const metal_device *d) {
  size_t left = 0, total = 0;
  device_use(d);
  d->cuda.memory(&left, &total);
  *out = (sd_condition){.allocated_bytes = d->allocated_bytes,
                        .working_set_bytes = (int64_t)total,
                        .pressure = SD_PRESSURE_NORMAL};
}

/* ---- libraries and pipelines ---- */

/* 64 bits of FNV-1a, as compile_ptx.py names its files. */
static uint64_t library_hash(const char *text) {
  uint64_t value = 0xCBF29CE484222325u;
  for (; *text; text++) value = (value ^ (unsigned char)*text) * 0x100000001B3u;
  return value;
}

/* A whole file as text, to be freed; NULL: it cannot be read. */
static char *library_read(const char *folder, uint64_t hash, const char *suffix) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%016llx%s", folder, (unsigned long long)hash, suffix);
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  const long size = ftell(file);
  char *bytes = size < 0 ? NULL : calloc((size_t)size + 1, 1);
  rewind(file);
  if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    free(bytes);
    bytes = NULL;
  }
  fclose(file);
  return bytes;
}

static void library_read_names(metal_library *library, char *names) {
  char *rest = names;
  for (char *line; library->count < KERNELS_MOST && (line = strsep(&rest, "\n"));) {
    kernel_name *kernel = &library->kernels[library->count];
    if (sscanf(line, "kernel %d %95s", &kernel->number, kernel->name) == 2) library->count++;
  }
}

static void library_close(metal_library *library) {
  device_use(library->device);
  if (library->module) library->device->cuda.unload(library->module);
  free(library);
}

static metal_library *library_open(metal_device *d, const sd_metal_source *source, char **log) {
  const char *folder = getenv("METAL_NVIDIA_KERNELS");
  const uint64_t hash = library_hash(source->text);
  char *image = folder ? library_read(folder, hash, ".cubin") : NULL;
  if (folder && !image) image = library_read(folder, hash, ".ptx");
  char *names = folder ? library_read(folder, hash, ".names") : NULL;
  metal_library *library = image && names ? calloc(1, sizeof *library) : NULL;
  *log = NULL;
  device_use(d);
  if (library) {
    library->device = d;
    library_read_names(library, names);
    if (d->cuda.load(&library->module, image)) {
      free(library);
      library = NULL;
    }
  }
  if (!library) *log = strdup("no library of this text in $METAL_NVIDIA_KERNELS that loads");
  free(image);
  free(names);
  return library;
}

static cuda_function library_find(const metal_library *library, const char *function) {
  for (int i = 0; i < library->count; i++) {
    if (strcmp(library->kernels[i].name, function)) continue;
    char entry[32];
    cuda_function found = NULL;
    snprintf(entry, sizeof entry, "msl_kernel_%d", library->kernels[i].number);
    if (!library->device->cuda.function(&found, library->module, entry)) return found;
  }
  return NULL;
}

/* Function constants would be variables of the module; the engine's kernels have none. */
static metal_pipeline *pipeline_open(metal_library *library, const char *function,
                                     const uint32_t constants[2], char **log) {
  const cuda_driver *cuda = &library->device->cuda;
  device_use(library->device);
  cuda_function handle = library_find(library, function);
  metal_pipeline *pipeline = handle ? calloc(1, sizeof *pipeline) : NULL;
  *log = NULL;
  if (!pipeline || constants[0] || constants[1]) {
    *log = strdup("no such kernel, or one with function constants");
    free(pipeline);
    return NULL;
  }
  int threads = 0, bytes = 0;
  cuda->function_fact(&threads, CUDA_FUNCTION_MOST_THREADS, handle);
  cuda->function_fact(&bytes, CUDA_FUNCTION_STATIC_BYTES, handle);
  *pipeline = (metal_pipeline){threads, bytes, handle};
  return pipeline;
}

static void pipeline_close(metal_pipeline *pipeline) { free(pipeline); }

/* ---- buffers ---- */

static metal_buffer *buffer_open(metal_device *d, int64_t bytes) {
  cuda_address address = 0;
  device_use(d);
  metal_buffer *buffer = calloc(1, sizeof *buffer);
  if (!buffer || d->cuda.allocate_shared(&address, (size_t)bytes, CUDA_ATTACH_GLOBAL)) {
    free(buffer);
    return NULL;
  }
  *buffer = (metal_buffer){(void *)(uintptr_t)address, bytes, d};
  memset(buffer->contents, 0, (size_t)bytes);
  d->allocated_bytes += bytes;
  return buffer;
}

/* The file's pages are out of the GPU's reach: the engine then copies. */
static metal_buffer *buffer_wrap(metal_device *d, const void *pages, int64_t bytes) {
  (void)d;
  (void)pages;
  (void)bytes;
  return NULL;
}

static void buffer_close(metal_device *d, metal_buffer *buffer) {
  device_use(d);
  d->cuda.free((cuda_address)(uintptr_t)buffer->contents);
  d->allocated_bytes -= buffer->bytes;
  free(buffer);
}

/* ---- commands ---- */

static void commands_close(metal_commands *c) {
  const cuda_driver *cuda = &c->device->cuda;
  device_use(c->device);
  if (c->begin) cuda->event_close(c->begin);
  if (c->end) cuda->event_close(c->end);
  if (c->device_args) cuda->free(c->device_args); /* waits for what still runs */
  free(c->launches);
  free(c->args);
  free(c);
}

static metal_commands *commands_open(metal_device *d, const char *label) {
  (void)label;
  metal_commands *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->device = d;
  c->launches = calloc(DISPATCHES_MOST, sizeof *c->launches);
  device_use(d);
  if (!c->launches || d->cuda.event_open(&c->begin, 0) || d->cuda.event_open(&c->end, 0)) {
    commands_close(c);
    return NULL;
  }
  return c;
}

static void commands_keep_args(metal_commands *c, launch *to, const void *args, size_t bytes) {
  const size_t at = c->args_bytes,
               after = at + (bytes + ARGS_ALIGNMENT - 1) / ARGS_ALIGNMENT * ARGS_ALIGNMENT;
  if (after > c->args_capacity) {
    unsigned char *larger = realloc(c->args, 2 * after);
    if (!larger) {
      c->failed = CUDA_NO_MEMORY;
      return;
    }
    c->args = larger;
    c->args_capacity = 2 * after;
  }
  memcpy(c->args + at, args, bytes);
  c->args_bytes = after;
  to->args_at = at;
  to->has_args = 1;
}

static uint64_t commands_address(metal_view view, const metal_buffer *spare) {
  const metal_buffer *buffer = view.buffer ? view.buffer : spare;
  return (uint64_t)(uintptr_t)buffer->contents + (uint64_t)(view.buffer ? view.offset : 0);
}

static void commands_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                              const metal_dispatch *dispatch, const metal_buffer *spare) {
  if (c->count == DISPATCHES_MOST) {
    c->failed = CUDA_NO_MEMORY;
    return;
  }
  launch *to = &c->launches[c->count++];
  to->pipeline = pipeline;
  to->threads = dispatch->threads;
  to->threadgroup_bytes = (uint32_t)dispatch->threadgroup_bytes;
  for (int i = 0; i < 3; i++) {
    to->groups[i] = dispatch->groups[i];
    to->arguments.grid[i] = dispatch->groups[i] * (i ? 1 : dispatch->threads);
  }
  if (dispatch->args_bytes) commands_keep_args(c, to, dispatch->args, (size_t)dispatch->args_bytes);
  int index = 1;
  to->arguments.buffers[index++] = commands_address(dispatch->out, spare);
  for (int32_t i = 0; i < dispatch->in_count; i++)
    to->arguments.buffers[index++] = commands_address(dispatch->in[i], spare);
  to->arguments.buffers[index] = commands_address(dispatch->out2, spare);
}

static void commands_barrier(metal_commands *c) { (void)c; }

static cuda_result commands_launch(metal_commands *c, launch *l) {
  const cuda_driver *cuda = &c->device->cuda;
  cuda_function function = l->pipeline->handle;
  if (l->has_args) l->arguments.buffers[0] = c->device_args + l->args_at;
  void *parameters[] = {&l->arguments};
  const int bytes = (int)l->threadgroup_bytes;
  const cuda_result set =
      bytes ? cuda->set_function(function, CUDA_FUNCTION_DYNAMIC_BYTES, bytes) : 0;
  if (set) return set;
  return cuda->launch(function, l->groups[0], l->groups[1], l->groups[2], l->threads, 1, 1,
                      l->threadgroup_bytes, c->device->stream, parameters, NULL);
}

static void commands_commit(metal_commands *c) {
  const cuda_driver *cuda = &c->device->cuda;
  cuda_stream stream = c->device->stream;
  device_use(c->device);
  if (!c->failed && c->args_bytes) {
    c->failed = cuda->allocate(&c->device_args, c->args_bytes);
    if (!c->failed) c->failed = cuda->copy_in(c->device_args, c->args, c->args_bytes, stream);
  }
  if (!c->failed) c->failed = cuda->event_record(c->begin, stream);
  for (int i = 0; i < c->count && !c->failed; i++) c->failed = commands_launch(c, &c->launches[i]);
  if (!c->failed) c->failed = cuda->event_record(c->end, stream);
}

static int64_t commands_code(cuda_result result) {
  switch (result) { /* of MTLCommandBufferError */
    case CUDA_NO_MEMORY:
      return 8;
    case CUDA_ILLEGAL_ADDRESS:
    case CUDA_MISALIGNED:
      return 3;
    case CUDA_TIMEOUT:
      return 2;
    default:
      return METAL_OTHER_ERROR;
  }
}

static int commands_wait(metal_outcome *out, metal_commands *c, double seconds) {
  const cuda_driver *cuda = &c->device->cuda;
  const struct timespec pause = {0, 100000};
  cuda_result result = c->failed;
  device_use(c->device);
  for (double waited = 0; !c->failed; waited += 1e-4) {
    result = cuda->event_query(c->end);
    if (result != CUDA_NOT_READY) break;
    if (waited >= seconds) return 0;
    nanosleep(&pause, NULL);
  }
  *out = (metal_outcome){.code = result ? commands_code(result) : 0};
  const char *text = "";
  if (result) cuda->error_text(result, &text);
  snprintf(out->text, sizeof out->text, "%s", text);
  float ms = 0;
  if (!result && !cuda->event_time(&ms, c->begin, c->end)) out->seconds = (double)ms * 1e-3;
  return 1;
}

static const metal_device_table NVIDIA_TABLE = {
    .open = device_open,
    .close = device_close,
    .facts = device_facts,
    .condition = device_condition,
    .library_open = library_open,
    .library_close = library_close,
    .pipeline_open = pipeline_open,
    .pipeline_close = pipeline_close,
    .buffer_open = buffer_open,
    .buffer_wrap = buffer_wrap,
    .buffer_close = buffer_close,
    .commands_open = commands_open,
    .dispatch = commands_dispatch,
    .barrier = commands_barrier,
    .commit = commands_commit,
    .wait = commands_wait,
    .commands_close = commands_close,
};

const metal_device_table *metal_device_here(void) { return &NVIDIA_TABLE; }
