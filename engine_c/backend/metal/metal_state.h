/* metal backend: what its own files share, encoders excepted. */
#ifndef METAL_STATE_H
#define METAL_STATE_H

#include "backend/metal/metal_device.h"
#include "backend/metal/metal_hazards.h"
#include "backend/metal/metal_library.h"
#include "backend/metal/metal_matrix.h"
#include "backend/metal/metal_open.h"

enum { METAL_FLYING_MAX = 3 };   /* command buffers that the GPU has not ended */
enum { METAL_PENDING_MAX = 64 }; /* weights that are packed together */

/* A command buffer's worth of dispatches. */
typedef struct metal_portion {
  metal_commands *commands;
  double seconds;    /* as estimated */
  const char *label; /* of the node with which it began */
} metal_portion;

/* Small weights share buffers. */
typedef struct metal_slab metal_slab;
struct metal_slab {
  metal_slab *next;
  metal_buffer *buffer;
  int64_t used;
  int32_t live; /* weights in it */
};

/* What weight.packed points to. */
typedef struct metal_weight {
  metal_view view;   /* as the kernels read it; no buffer: Metal could not pack it */
  metal_buffer *own; /* of this weight alone, or NULL */
  metal_slab *slab;  /* or its part of this */
  const sd_pipeline_report *refused; /* why there is no view */
  weight for_fallback; /* the same weight as the other backend packs it, at first need */
} metal_weight;

/* A weight that the GPU is yet to pack: its view may not be read, nor its source be let go. */
typedef struct metal_pending {
  weight *weight;
  metal_buffer *source; /* of this weight alone, or NULL: it lies in the scratch */
} metal_pending;

struct metal_backend {
  backend base;
  const metal_device_table *driver;
  metal_device *device;
  metal_facts facts;
  metal_fallback fallback;
  metal_kernels kernels;
  metal_tuning tuning;

  metal_buffer *flag; /* bad node; also bound where a view is absent */
  metal_buffer *arena, *scratch;
  metal_slab *slabs;
  _Atomic int64_t weight_bytes;
  metal_pending pending[METAL_PENDING_MAX];
  int32_t pending_count;
  int64_t pending_bytes; /* of their sources; the next one's place in the scratch */

  metal_portion open;                     /* being encoded; commands NULL: none */
  metal_portion flying[METAL_FLYING_MAX]; /* oldest first */
  metal_portion lost[METAL_FLYING_MAX];   /* given up after a time-out, perhaps still running */
  int32_t flying_count, lost_count;
  metal_hazards hazards; /* of `open` */
  double pace;           /* measured over estimated time */
  double seconds;        /* on the GPU, of all that was waited for */
  sd_error failure;      /* sticky until the run ends */

  const node *node; /* that is encoded, NULL: a weight is packed */
  int32_t node_index;
  const sd_pipeline_report *refused; /* what this node or weight could not have, or NULL */

  sd_op_check checks[OP_COUNT]; /* at opening */
  sd_fallback_report fallbacks[OP_COUNT];
  int32_t fallback_count;
  int32_t is_fallen[OP_COUNT];
  char bf16_refusal[256]; /* why activations are not stored as bf16; empty: they may be */
};

static inline metal_backend *metal_of(backend *b) { return (metal_backend *)b; }

/* ---- metal_backend.c ---- */

/* A buffer, or NULL: no memory. */
metal_buffer *metal_take(metal_backend *m, int64_t bytes);
int metal_open_scratch(metal_backend *m); /* 0: no memory */
sd_status metal_refuse_busy(sd_error *error);

/* ---- metal_commands.c ---- */

/* Commits what is open and waits for all; a failure is sticky in m->failure. */
sd_status metal_drain(metal_backend *m);

/* Leaves out what was not committed, waits for the rest, and takes the failure out. */
sd_status metal_end(metal_backend *m, sd_error *error);

/* 1: the GPU uses none of the engine's memory; 0: commands that were given up still run. */
int metal_is_idle(metal_backend *m);

/* Closes the buffer, or leaves it to the system where the GPU may still use it. */
void metal_free(metal_backend *m, metal_buffer *buffer);

/* ---- metal_upload.c ---- */

sd_status metal_upload(backend *b, weight *w, sd_error *error);
void metal_drop(backend *b, weight *w);
/* Waits for the weights that are pending, before anything else uses them, the scratch or the GPU.
 * If the GPU failed, they are as if they had never been uploaded. */
sd_status metal_end_uploads(metal_backend *m, sd_error *error);
/* Packs the weight for the other backend, unless it is. */
sd_status metal_upload_for_fallback(metal_backend *m, metal_weight *record, sd_error *error);
int64_t metal_weight_bytes(const backend *b, const weight *w);

/* ---- metal_bf16.c ---- */

/* Checks all that is in bf16; what fails is no error, but a refusal. Once, at opening. */
sd_status metal_bf16_check(metal_backend *m, metal_finish finish, sd_error *error);

/* ---- metal_run.c ---- */

sd_status metal_run(backend *b, const graph *g, run_report *report, sd_error *error);

/* From now on the other backend serves the operator. */
void metal_fall_back(metal_backend *m, op_kind op, const char *reason);

#endif
