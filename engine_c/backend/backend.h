/* backend: where a graph is computed. Each backend fills one table of functions; nothing above this
 * room knows which. Memory is unified: the arena has an address that the host may read and write
 * between runs. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include <stdatomic.h>

#include "graph/graph.h"

typedef struct backend backend;

typedef struct run_report {
  int32_t bad_node; /* index of the first norm whose input was not finite, or -1 */
} run_report;

typedef struct backend_table {
  void (*close)(backend *b);
  void (*device)(sd_device_info *out, const backend *b);
  void (*report)(sd_report *out, const backend *b);
  void (*condition)(sd_condition *out, const backend *b); /* from any thread */
  /* Name of the backend that runs the operator: its own, or the one that it falls back on. */
  const char *(*served_by)(const backend *b, op_kind op);

  /* NULL: activations may be stored so; else a sentence that says why not. */
  const char *(*cannot_store)(const backend *b, sd_dtype dtype);

  /* Bytes that the weight takes once uploaded: from kind, in_bf16, in_phases, shape and dtype
   * alone. */
  int64_t (*weight_bytes)(const backend *b, const weight *w);
  /* Packs or maps the weight (kind is set, data is not NULL); no-op if it is there. Where it is not
   * mapped, the data of a matrix or a vector may be gone once this returns. A device may pack it
   * later: what fails then is told by the next upload, reserve or run, and what was not packed is
   * as if it had never been uploaded. */
  sd_status (*upload)(backend *b, weight *w, sd_error *error);
  void (*drop)(backend *b, weight *w);

  /* Scratch that a run takes beside the arena; fixed for the backend's life. */
  int64_t (*workspace_bytes)(const backend *b);

  /* Makes the arena at least `bytes` long; its contents are lost if it grows. 0 frees it. */
  sd_status (*reserve)(backend *b, int64_t bytes, sd_error *error);
  void *(*address)(backend *b, const tensor *t);

  /* Runs every node in order and waits. SD_CANCELLED once *stop is non-zero. All weights must have
   * been uploaded and the arena reserved. */
  sd_status (*run)(backend *b, const graph *g, run_report *report, sd_error *error);
} backend_table;

struct backend {
  const backend_table *table;
  const atomic_int *stop;
};

#endif
