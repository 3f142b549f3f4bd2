/* metal weights: owns the order in which the kernels read weights (see metal_backend.h), and the
 * dispatches that bring a file's into it; see metal/unpack.metal. */
#include "backend/metal/metal_backend.h"
#include "base/half.h"
#include "graph/weights.h"
#include "metal/kernel_args.h"

enum { GEGLU_ROWS = 8, COPY_BYTES = 16 };

static int64_t weights_ceil(int64_t x, int64_t y) { return (x + y - 1) / y; }

static int64_t weights_packed_rows(const weight *w) {
  if (w->kind != WEIGHT_GEGLU) return w->out;
  return 2 * GEGLU_ROWS * weights_ceil(w->out / 2, GEGLU_ROWS);
}

sd_dtype metal_matrix_dtype(const weight *w) { return w->in_bf16 ? SD_BF16 : SD_F16; }

int64_t metal_pack_bytes(const weight *w) {
  switch (w->kind) {
    case WEIGHT_MATRIX:
    case WEIGHT_GEGLU:
      return weights_packed_rows(w) * w->in * w->kernel_h * w->kernel_w *
             (int64_t)half_dtype_bytes(metal_matrix_dtype(w));
    case WEIGHT_VECTOR:
      return weights_elements(w) * (int64_t)half_dtype_bytes(SD_F32);
    case WEIGHT_TABLE:
      return weights_source_bytes(w);
    case WEIGHT_UNUSED:
      break;
  }
  return 0;
}

static void weights_copy(metal_backend *m, metal_view source, metal_view packed) {
  const copy_args args = {.bytes = packed.bytes};
  const int64_t of_a_group = ELEMENTWISE_THREADS * COPY_BYTES;
  metal_encode(m,
               &(metal_dispatch){.kernel = METAL_copy_bytes,
                                 .args = &args,
                                 .args_bytes = sizeof args,
                                 .out = packed,
                                 .in = {source},
                                 .in_count = 1,
                                 .groups = {(uint32_t)weights_ceil(args.bytes, of_a_group), 1, 1},
                                 .threads = ELEMENTWISE_THREADS,
                                 .read_bytes = (double)packed.bytes,
                                 .written_bytes = (double)packed.bytes});
}

void metal_pack(metal_backend *m, const weight *w, metal_view source, metal_view packed) {
  if (w->kind == WEIGHT_TABLE) {
    weights_copy(m, source, packed);
    return;
  }
  const int is_vector = w->kind == WEIGHT_VECTOR;
  const sd_dtype packed_as = is_vector ? SD_F32 : metal_matrix_dtype(w);
  const unpack_args args = {.format = (int)w->dtype,
                            .rows = is_vector ? 1 : w->out,
                            .in = is_vector ? (int)weights_elements(w) : w->in,
                            .taps = is_vector ? 1 : w->kernel_h * w->kernel_w,
                            .is_geglu = w->kind == WEIGHT_GEGLU,
                            .out_format = (int)packed_as};
  const int64_t rows = is_vector ? 1 : weights_packed_rows(w);
  metal_encode(m, &(metal_dispatch){.kernel = metal_kernel_in(packed_as, METAL_unpack),
                                    .args = &args,
                                    .args_bytes = sizeof args,
                                    .out = packed,
                                    .in = {source},
                                    .in_count = 1,
                                    .groups = {(uint32_t)weights_ceil(args.in, ELEMENTWISE_THREADS),
                                               (uint32_t)rows, 1},
                                    .threads = ELEMENTWISE_THREADS,
                                    .flops = (double)weights_elements(w),
                                    .read_bytes = (double)source.bytes,
                                    .written_bytes = (double)packed.bytes});
}
