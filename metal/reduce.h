// reduce: owns sums and moments over the lanes of a simdgroup; knows no operator.
#ifndef REDUCE_H
#define REDUCE_H

#include <metal_stdlib>

using namespace metal;

// Of `count` numbers: their mean and the sum of squared distances from it.
struct moments {
  float count, mean, squares;
};

// Moments of the numbers of both. Source: Chan, Golub and LeVeque, Algorithms for computing the
// sample variance.
static inline moments moments_join(moments a, moments b) {
  const float count = a.count + b.count;
  const float share = count > 0.0f ? b.count / count : 0.0f;
  const float distance = b.mean - a.mean;
  moments joined;
  joined.count = count;
  joined.mean = a.mean + distance * share;
  joined.squares = a.squares + b.squares + distance * distance * a.count * share;
  return joined;
}

// Moments of the numbers of all lanes, in every lane.
static inline moments moments_of_lanes(moments own) {
  for (ushort step = 1; step < 32; step *= 2) {
    moments other;
    other.count = simd_shuffle_xor(own.count, step);
    other.mean = simd_shuffle_xor(own.mean, step);
    other.squares = simd_shuffle_xor(own.squares, step);
    own = moments_join(own, other);
  }
  return own;
}

#endif
