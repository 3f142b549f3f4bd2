/* A small Metal host for tests of kernels, plain C: libraries, kernels, buffers, one open command
   buffer. Errors go to `text`; a function that fails gives NULL or -1. kernel_host.py is its face.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HOST_API __attribute__((visibility("default")))

typedef struct host host;

typedef struct {
  int32_t index;
  char type; /* b bool, u uint, i int, f float */
  uint32_t bits;
} host_constant;

typedef struct {
  int32_t index;
  void *buffer;      /* from host_buffer_new, or */
  const void *bytes; /* for setBytes, or neither: `length` bytes of threadgroup memory */
  size_t length, offset;
} host_argument;

HOST_API host *host_open(void);
HOST_API void host_close(host *host);

/* `version` is 300, 310, ... as __METAL_VERSION__. A library with warnings has a text as well. */
HOST_API void *host_compile(host *host, const char *source, int version, char *text, size_t size);
HOST_API void *host_kernel(host *host, void *library, const char *name,
                           const host_constant *constants, int constant_count, char *text,
                           size_t size);
HOST_API size_t host_kernel_threads(void *kernel);
HOST_API size_t host_kernel_static_bytes(void *kernel);
HOST_API void *host_buffer_new(host *host, size_t length, int tracked);
HOST_API void *host_buffer_contents(void *buffer);
HOST_API void host_release(void *object);

/* A command buffer with one encoder; host_end runs it and waits. */
HOST_API void host_begin(host *host, int concurrent);
/* Another encoder in the same command buffer. */
HOST_API void host_next_encoder(host *host, int concurrent);
HOST_API void host_dispatch(host *host, void *kernel, const host_argument *arguments, int count,
                            const uint32_t *grid_threads, const uint32_t *group_threads);
HOST_API void host_barrier(host *host);
/* Seconds that it ran, or -1. */
HOST_API double host_end(host *host, char *text, size_t size);
