/* cpu_transpose: rows become columns, for numbers of two and of four bytes. */
#ifndef CPU_TRANSPOSE_H
#define CPU_TRANSPOSE_H

#include <stdint.h>
#include <string.h>

enum { TRANSPOSE_SIDE = 8 };

typedef uint16_t transpose_row __attribute__((vector_size(2 * TRANSPOSE_SIDE)));

#if defined(__clang__)
#define TRANSPOSE_MIX(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define TRANSPOSE_MIX(x, y, ...) __builtin_shuffle(x, y, (transpose_row){__VA_ARGS__})
#endif

/* A square of eight rows. Each of three rounds deals two halves of the rows together. */
static inline __attribute__((always_inline)) void transpose_square(transpose_row v[8]) {
  for (int32_t round = 0; round < 3; round++) {
    transpose_row dealt[8];
    for (int32_t i = 0; i < 4; i++) {
      dealt[2 * i] = TRANSPOSE_MIX(v[i], v[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      dealt[2 * i + 1] = TRANSPOSE_MIX(v[i], v[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    memcpy(v, dealt, sizeof dealt);
  }
}

/* out[column][row] = in[row][column]; strides in numbers. */
static inline void transpose_words(uint16_t *out, int64_t out_stride, const char *in,
                                   int64_t in_stride, int32_t rows, int32_t columns) {
  const int32_t rows_of_squares = rows / TRANSPOSE_SIDE * TRANSPOSE_SIDE;
  const int32_t columns_of_squares = columns / TRANSPOSE_SIDE * TRANSPOSE_SIDE;
  const size_t in_bytes = (size_t)in_stride * sizeof *out;
  for (int32_t row = 0; row < rows_of_squares; row += TRANSPOSE_SIDE)
    for (int32_t column = 0; column < columns_of_squares; column += TRANSPOSE_SIDE) {
      transpose_row v[TRANSPOSE_SIDE];
      for (int32_t i = 0; i < TRANSPOSE_SIDE; i++)
        memcpy(&v[i], in + (size_t)(row + i) * in_bytes + (size_t)column * sizeof *out, sizeof *v);
      transpose_square(v);
      for (int32_t i = 0; i < TRANSPOSE_SIDE; i++)
        memcpy(out + (column + i) * out_stride + row, &v[i], sizeof *v);
    }
  for (int32_t row = 0; row < rows; row++)
    for (int32_t column = row < rows_of_squares ? columns_of_squares : 0; column < columns;
         column++)
      memcpy(out + column * out_stride + row,
             in + (size_t)row * in_bytes + (size_t)column * sizeof *out, sizeof *out);
}

enum { TRANSPOSE_FLOATS = 4 };

typedef float transpose_line __attribute__((vector_size(4 * TRANSPOSE_FLOATS)));

#if defined(__clang__)
#define TRANSPOSE_DEAL(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef int32_t transpose_places __attribute__((vector_size(4 * TRANSPOSE_FLOATS)));
#define TRANSPOSE_DEAL(x, y, ...) __builtin_shuffle(x, y, (transpose_places){__VA_ARGS__})
#endif

/* A square of four rows. */
static inline __attribute__((always_inline)) void transpose_small_square(float *out,
                                                                         int64_t out_stride,
                                                                         const float *in,
                                                                         int64_t in_stride) {
  transpose_line v[TRANSPOSE_FLOATS], dealt[TRANSPOSE_FLOATS];
  for (int32_t i = 0; i < TRANSPOSE_FLOATS; i++) memcpy(&v[i], in + i * in_stride, sizeof *v);
  for (int32_t i = 0; i < 2; i++) {
    dealt[2 * i] = TRANSPOSE_DEAL(v[i], v[i + 2], 0, 4, 1, 5);
    dealt[2 * i + 1] = TRANSPOSE_DEAL(v[i], v[i + 2], 2, 6, 3, 7);
  }
  for (int32_t i = 0; i < 2; i++) {
    v[2 * i] = TRANSPOSE_DEAL(dealt[i], dealt[i + 2], 0, 4, 1, 5);
    v[2 * i + 1] = TRANSPOSE_DEAL(dealt[i], dealt[i + 2], 2, 6, 3, 7);
  }
  for (int32_t i = 0; i < TRANSPOSE_FLOATS; i++) memcpy(out + i * out_stride, &v[i], sizeof *v);
}

/* out[column][row] = in[row][column]. */
static inline void transpose_floats(float *out, int64_t out_stride, const float *in,
                                    int64_t in_stride, int32_t rows, int32_t columns) {
  const int32_t rows_of_squares = rows / TRANSPOSE_FLOATS * TRANSPOSE_FLOATS;
  const int32_t columns_of_squares = columns / TRANSPOSE_FLOATS * TRANSPOSE_FLOATS;
  for (int32_t row = 0; row < rows_of_squares; row += TRANSPOSE_FLOATS)
    for (int32_t column = 0; column < columns_of_squares; column += TRANSPOSE_FLOATS)
      transpose_small_square(out + column * out_stride + row, out_stride,
                             in + row * in_stride + column, in_stride);
  for (int32_t row = 0; row < rows; row++)
    for (int32_t column = row < rows_of_squares ? columns_of_squares : 0; column < columns;
         column++)
      out[column * out_stride + row] = in[row * in_stride + column];
}

#endif
