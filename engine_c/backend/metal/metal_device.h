/* metal device: a plain C face over Metal: one device with its queue, libraries, pipelines, buffers
 * and command buffers. Knows no operator. It is a table of functions, so that a system without
 * Metal needs no twin of each: metal_device_here says that there is none. */
#ifndef METAL_DEVICE_H
#define METAL_DEVICE_H

#include "backend/metal/metal_backend.h"

typedef struct metal_device metal_device;
typedef struct metal_library metal_library;
typedef struct metal_commands metal_commands; /* a command buffer with one concurrent encoder */

struct metal_buffer {
  void *contents; /* the same memory for the host */
  int64_t bytes;
  void *handle; /* the device's */
};

typedef struct metal_pipeline {
  int32_t max_threads, threadgroup_bytes; /* of one group; bytes: what the kernel itself declares */
  void *handle;
} metal_pipeline;

typedef struct metal_facts {
  char name[128];
  int32_t apple_family; /* 7 for M1, 8 for M2, 9 for M3 and M4, 10 for M5; 0: no Apple GPU */
  int32_t has_metal4;
  int64_t buffer_limit; /* most bytes of one buffer */
} metal_facts;

/* How a command buffer ended. */
typedef struct metal_outcome {
  int64_t code;    /* 0: well; else of MTLCommandBufferError, or METAL_OTHER_ERROR */
  int64_t encoder; /* where it failed, MTLCommandEncoderErrorState of its one encoder; 0: unknown */
  double seconds;  /* on the GPU */
  char text[160];  /* what the system said */
} metal_outcome;

enum { METAL_OTHER_ERROR = -1 };

typedef struct metal_device_table {
  sd_status (*open)(metal_device **out, sd_error *error);
  void (*close)(metal_device *d); /* all that was made of it must have been closed */
  void (*facts)(metal_facts *out, const metal_device *d);
  void (*condition)(sd_condition *out, const metal_device *d); /* from any thread */

  /* Compiles the text; from several threads at once, as pipeline_open. *log: all that the compiler
   * said, warnings too, to be freed; NULL: nothing. Returns NULL if there is no library. */
  metal_library *(*library_open)(metal_device *d, const sd_metal_source *source, char **log);
  void (*library_close)(metal_library *library);

  /* constants: uint function constants 0 and 1. *log as above. NULL: no pipeline. */
  metal_pipeline *(*pipeline_open)(metal_library *library, const char *function,
                                   const uint32_t constants[2], char **log);
  void (*pipeline_close)(metal_pipeline *pipeline);

  /* NULL: no memory. Zeroed; shared by host and device. */
  metal_buffer *(*buffer_open)(metal_device *d, int64_t bytes);
  /* Whole pages of the caller's that outlive the buffer; read by the device alone. */
  metal_buffer *(*buffer_wrap)(metal_device *d, const void *pages, int64_t bytes);
  void (*buffer_close)(metal_device *d, metal_buffer *buffer);

  /* Commands keep nothing alive: what they use must live until they are done. NULL: refused. */
  metal_commands *(*commands_open)(metal_device *d, const char *label);
  /* spare: bound in the place of absent views. */
  void (*dispatch)(metal_commands *c, const metal_pipeline *pipeline,
                   const metal_dispatch *dispatch, const metal_buffer *spare);
  void (*barrier)(metal_commands *c); /* what follows sees what went before */
  void (*commit)(metal_commands *c);
  /* 1: done, *out is filled; 0: not within `seconds`. After commit. */
  int (*wait)(metal_outcome *out, metal_commands *c, double seconds);
  /* At any time; commands that still run are let go by the device when they end. */
  void (*commands_close)(metal_commands *c);
} metal_device_table;

/* NULL: this build has no Metal. */
const metal_device_table *metal_device_here(void);

#endif
