/* metal product: linear and conv2d as the kernels of matrix.metal see them: the encoders make one
 * of a node, the tuning makes its own. */
#ifndef METAL_PRODUCT_H
#define METAL_PRODUCT_H

#include "backend/metal/metal_matrix.h"
#include "metal/kernel_args.h"

/* Inputs of the kernels in matrix.metal, from [[buffer(2)]] on. */
enum { FROM_X, FROM_Y, FROM_WEIGHT, FROM_BIAS, FROM_RESIDUAL, FROM_CHANNEL_ADD, FROM_COUNT };

typedef struct product {
  matrix_args args;
  sd_dtype dtype; /* of activations */
  matrix_form form;
  matrix_variant variant;
  int32_t row_tiles, column_tiles; /* of all rows */
  metal_view out, from[FROM_COUNT];
} product;

/* Fills what follows from the shapes. */
void product_derive(product *p);

/* The pipeline of a variant. */
metal_kernel product_kernel(const product *p, matrix_variant variant);

/* Chooses variant, order of tiles and slices of K. */
void product_cut(product *p, const metal_backend *m, const metal_tuning *tuning);

void product_encode(metal_backend *m, const product *p);

/* Multiply-adds x 2, those of tiles' empty parts among them. */
double product_flops(const product *p);

#endif
