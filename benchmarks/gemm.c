/* gemm: times one linear of the CPU backend. gemm.py hands the part between the marker lines to
 * cffi. */
#include <stdlib.h>
#include <time.h>

#include "backend/cpu/cpu_backend.h"
#include "base/half.h"
#include "graph/plan.h"

/* binding begins */

/* Seconds of each of `runs` products [rows][depth] x [depth][columns] of activations and weights in
 * `dtype` (SD_F32 or SD_BF16) and the largest error of some outputs against double precision. */
typedef struct gemm_request {
  int32_t threads, isa, rows, depth, columns, runs;
  sd_dtype dtype;
} gemm_request;

sd_status gemm_run(double *seconds, double *largest_error, const gemm_request *request,
                   sd_error *error);

/* Name of instruction set `isa`, NULL past the end; *usable: whether this processor has it. */
const char *gemm_isa(int32_t *usable, int32_t isa);

/* binding ends */

enum { CHECKED_STRIDE = 9973 };

const char *gemm_isa(int32_t *usable, int32_t isa) {
  const cpu_isa *row = cpu_isa_row(isa);
  *usable = row && row->usable();
  return row ? row->name : NULL;
}

static double gemm_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Numbers between -1 and 1 that bf16 has. */
static void gemm_fill(void *out, sd_dtype dtype, int64_t count, uint32_t seed) {
  const size_t bytes = half_dtype_bytes(dtype);
  for (int64_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    const float number = (float)(seed >> 25) / 64.0f - 1.0f;
    half_pack((char *)out + (size_t)i * bytes, &number, dtype, 1);
  }
}

static float gemm_number(const void *at, sd_dtype dtype, int64_t index) {
  float number;
  const char *from = (const char *)at + (size_t)index * half_dtype_bytes(dtype);
  half_unpack(&number, from, dtype, 1);
  return number;
}

static double gemm_largest_error(backend *b, const tensor *x, const weight *w, const tensor *y) {
  const char *in = b->table->address(b, x), *out = b->table->address(b, y);
  double largest = 0;
  for (int64_t i = 0; i < tensor_count(y); i += CHECKED_STRIDE) {
    const int64_t row = i / y->c, column = i % y->c;
    double wanted = 0;
    for (int64_t k = 0; k < x->c; k++)
      wanted += (double)gemm_number(in, x->dtype, row * x->c + k) *
                (double)gemm_number(w->data, w->dtype, column * x->c + k);
    const double difference = (double)gemm_number(out, y->dtype, i) - wanted;
    const double size = wanted < 0 ? -wanted : wanted;
    const double error = (difference < 0 ? -difference : difference) / (1 + size);
    if (error > largest) largest = error;
  }
  return largest;
}

static sd_status gemm_time(double *seconds, double *largest_error, backend *b, weight *w,
                           const gemm_request *r, sd_error *error) {
  graph g;
  graph_open(&g, r->dtype);
  tensor *x = graph_input(&g, r->dtype, 1, 1, r->rows, r->depth);
  tensor *y = graph_keep(ops_linear(&g, x, w, NULL, NULL, ACT_NONE));
  plan_place(&g, 0);
  sd_status status = b->table->reserve(b, g.arena_bytes, error);
  if (!status) status = b->table->upload(b, w, error);
  if (!status) gemm_fill(b->table->address(b, x), r->dtype, tensor_count(x), 1);
  for (int32_t i = 0; i < r->runs && !status; i++) {
    run_report report;
    const double start = gemm_now();
    status = b->table->run(b, &g, &report, error);
    seconds[i] = gemm_now() - start;
  }
  if (!status) *largest_error = gemm_largest_error(b, x, w, y);
  if (w->packed) b->table->drop(b, w);
  graph_close(&g);
  return status;
}

sd_status gemm_run(double *seconds, double *largest_error, const gemm_request *request,
                   sd_error *error) {
  atomic_int stop = 0;
  backend *b;
  sd_status status = cpu_backend_open(&b, request->threads, request->isa, &stop, error);
  if (status) return status;
  weight w = {.name = "gemm",
              .dtype = request->dtype,
              .rank = 2,
              .shape = {request->columns, request->depth, 1, 1}};
  const int64_t count = (int64_t)request->columns * request->depth;
  void *data = malloc((size_t)count * half_dtype_bytes(w.dtype));
  w.data = data;
  if (data) {
    gemm_fill(data, w.dtype, count, 2);
    status = gemm_time(seconds, largest_error, b, &w, request, error);
  }
  free(data);
  b->table->close(b);
  return data ? status : SD_OUT_OF_MEMORY;
}
