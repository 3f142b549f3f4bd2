/* metal_matrix: which kernel of matrix.metal a product takes on this GPU, and how that is found out
 * by timing. Knows no Objective-C. */
#ifndef METAL_MATRIX_H
#define METAL_MATRIX_H

#include "backend/metal/metal_backend.h"

typedef enum matrix_variant {
  MATRIX_64X64, /* tiles through threadgroup memory */
  MATRIX_64X32,
  MATRIX_DIRECT, /* 64 x 64, blocks straight from device memory; channels of 8, no f32 */
  MATRIX_TENSOR, /* 128 x 64 on tensor units; channels of 64, no f32 */
  MATRIX_VARIANT_COUNT
} matrix_variant;

/* rows: out's rows are rows of the sources (linear, 1x1). taps: a pixel is sought for each tap. */
typedef enum matrix_form { MATRIX_ROWS, MATRIX_TAPS, MATRIX_FORM_COUNT } matrix_form;

/* Size class, by tiles of 64 x 64. */
typedef enum matrix_size {
  MATRIX_SMALL,  /* under 64 */
  MATRIX_MIDDLE, /* under 512 */
  MATRIX_LARGE,
  MATRIX_SIZE_COUNT
} matrix_size;

struct metal_tuning {
  matrix_variant variant[MATRIX_FORM_COUNT][MATRIX_SIZE_COUNT];
  uint32_t refused[MATRIX_FORM_COUNT]; /* bit v: variant v computes wrongly there */
  double flops_per_second;             /* of the fastest product that was timed */
  int32_t is_timed;                    /* 0: not yet, so that all but `refused` is a guess */
};

/* Good anywhere: what stands until the GPU has been timed. */
metal_tuning metal_tuning_default(void);

/* Runs what has been encoded; its seconds on the GPU, negative if it failed. */
typedef double (*metal_finish)(metal_backend *m);

/* Takes out of use the pipelines of variants whose results, with activations in f16 or bf16, are
 * not those of the plainest, MATRIX_64X32. refused: as in metal_tuning. */
void metal_tuning_check(uint32_t refused[MATRIX_FORM_COUNT], metal_backend *m, sd_dtype dtype,
                        metal_finish finish);

/* Does so in f16, and times the others
 * at six shapes of SD 1.5, in the scratch: some 0.2 s on an M1, less on others. A device slower
 * than any GPU (the simulator) is not timed. */
metal_tuning metal_tuning_measure(metal_backend *m, metal_finish finish);

/* The same from what was found before, without a dispatch: refuses what was refused. */
void metal_tuning_repeat(metal_backend *m, const metal_tuning *found);

/* ---- metal_tuning_text.c ---- */

/* One line of text, up to 256 bytes with its end; empty where nothing was timed. */
void metal_tuning_write(char *out, size_t size, const metal_tuning *tuning, const char *device);

/* 1: the text is such a line, of a GPU of this name. Any text is safe. */
int metal_tuning_read(metal_tuning *out, const char *text, const char *device);

#endif
