// math: owns the activations, in f32; knows neither storage nor shapes.
#ifndef MATH_H
#define MATH_H

#include <metal_stdlib>

#include "kernel_args.h"

using namespace metal;

// x / (1 + exp(-x)). The exponent stops where the quotient is nothing, before exp overflows.
static inline float silu(float x) { return x / (1.0f + precise::exp(min(-x, 80.0f))); }

// x / (1 + exp(-1.702 x)).
static inline float quick_gelu(float x) {
  return x / (1.0f + precise::exp(min(-1.702f * x, 80.0f)));
}

// x / 2 (1 + erf(x / sqrt 2)) = max(x, 0) - |x| / 2 erfc(|x| / sqrt 2). log2 of that erfc is almost
// a parabola: a minimax polynomial of degree 9 on 0..12, weighted by the error that it leaves in
// gelu, keeps that under 6e-9, and f32 arithmetic under 5e-8 (1 + |gelu|).
static inline float gelu(float x) {
  const float size = min(fabs(x), 12.0f);
  float log2_erfc = 1.56941837e-7f;
  log2_erfc = fma(log2_erfc, size, -4.28719113e-6f);
  log2_erfc = fma(log2_erfc, size, 4.29324937e-5f);
  log2_erfc = fma(log2_erfc, size, -0.000180832576f);
  log2_erfc = fma(log2_erfc, size, -0.000177654409f);
  log2_erfc = fma(log2_erfc, size, 0.00714005856f);
  log2_erfc = fma(log2_erfc, size, -0.0525616854f);
  log2_erfc = fma(log2_erfc, size, -0.459182829f);
  log2_erfc = fma(log2_erfc, size, -1.15110862f);
  const float positive = x < 0.0f ? 0.0f : x;  // a NaN stays one
  return positive - 0.5f * size * precise::exp2(log2_erfc * size);
}

// 3 tanh(x / 3). Beyond 10, tanh is 1 in f32.
static inline float tanh3(float x) {
  return 3.0f * precise::tanh(clamp(x * (1.0f / 3.0f), -10.0f, 10.0f));
}

// The activation `act` of kernel_args.h; GEGLU, which takes two numbers, is the caller's.
static inline float activate(float x, int act) {
  switch (act) {
    case KERNEL_ACT_SILU:
      return silu(x);
    case KERNEL_ACT_GELU:
      return gelu(x);
    case KERNEL_ACT_QUICK_GELU:
      return quick_gelu(x);
    case KERNEL_ACT_RELU:
      return x < 0.0f ? 0.0f : x;  // a NaN stays one
    case KERNEL_ACT_TANH3:
      return tanh3(x);
    default:
      return x;
  }
}

#endif
