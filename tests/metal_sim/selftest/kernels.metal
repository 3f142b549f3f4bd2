// Kernels for the simulator's own tests: right as they are, and wrong in one place as mutants.py
// makes them.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;

struct RowArgs {
  uint width;
  float eps;
};

// y = (x - mean(x)) / sqrt(var(x) + eps) for each row; a threadgroup of up to 128 threads a row.
template <typename T>
[[kernel]] void row_norm(constant RowArgs &args [[buffer(0)]], device T *out [[buffer(1)]],
                         device const T *in [[buffer(2)]],
                         uint row [[threadgroup_position_in_grid]],
                         uint thread_index [[thread_index_in_threadgroup]],
                         uint threads [[threads_per_threadgroup]],
                         ushort lane [[thread_index_in_simdgroup]],
                         ushort simd_group [[simdgroup_index_in_threadgroup]],
                         ushort simd_groups [[simdgroups_per_threadgroup]]) {
  threadgroup float sums[4], squares[4];
  device const T *x = in + row * args.width;
  float sum = 0, square = 0;
  for (uint i = thread_index; i < args.width; i += threads) {
    sum += float(x[i]);
    square += float(x[i]) * float(x[i]);
  }
  sum = simd_sum(sum);
  square = simd_sum(square);
  if (lane == 0) {
    sums[simd_group] = sum;
    squares[simd_group] = square;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sum = lane < simd_groups ? sums[lane] : 0.0;
  square = lane < simd_groups ? squares[lane] : 0.0;
  float mean = simd_sum(sum) / float(args.width);
  float scale = rsqrt(simd_sum(square) / float(args.width) - mean * mean + args.eps);
  for (uint i = thread_index; i < args.width; i += threads)
    out[row * args.width + i] = T((float(x[i]) - mean) * scale);
}
template [[host_name("row_norm_half")]] [[kernel]] decltype(row_norm<half>) row_norm<half>;
template [[host_name("row_norm_float")]] [[kernel]] decltype(row_norm<float>) row_norm<float>;

// counts[v] += how often v is in the input; a threadgroup counts on its own first.
kernel void histogram(constant uint &count [[buffer(0)]], device atomic_uint *counts [[buffer(1)]],
                      device const uchar *values [[buffer(2)]], uint i [[thread_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      uint threads [[threads_per_threadgroup]]) {
  threadgroup atomic_uint own[16];
  for (uint k = thread_index; k < 16; k += threads)
    atomic_store_explicit(&own[k], 0u, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (i < count) atomic_fetch_add_explicit(&own[values[i]], 1u, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint k = thread_index; k < 16; k += threads) {
    uint n = atomic_load_explicit(&own[k], memory_order_relaxed);
    if (n > 0) atomic_fetch_add_explicit(&counts[k], n, memory_order_relaxed);
  }
}

struct MatmulArgs {
  uint rows, columns, depth;
};
constant bool has_bias [[function_constant(0)]];
constant uint activation [[function_constant(1)]];
constant bool is_negated = is_function_constant_defined(activation) && activation == 1;

// out[m, n] = sum_k a[m, k] b[n, k] + bias[n]; 32 x 32 outputs a threadgroup, 16 x 16 a simdgroup
// of four. `tile` holds 32 x 8 of a, then of b.
kernel void matmul(constant MatmulArgs &args [[buffer(0)]], device float *out [[buffer(1)]],
                   device const half *a [[buffer(2)]], device const half *b [[buffer(3)]],
                   device const float *bias [[buffer(4), function_constant(has_bias)]],
                   threadgroup half *tile [[threadgroup(0)]],
                   uint2 group [[threadgroup_position_in_grid]],
                   ushort thread_index [[thread_index_in_threadgroup]],
                   ushort simd_group [[simdgroup_index_in_threadgroup]],
                   ushort lane [[thread_index_in_simdgroup]]) {
  threadgroup float stage[4][64];
  threadgroup half *b_tile = tile + 32 * 8;
  uint row0 = group.y * 32, column0 = group.x * 32;
  ushort row_half = (simd_group >> 1) * 16, column_half = (simd_group & 1) * 16;
  simdgroup_float8x8 sums[2][2];
  for (ushort i = 0; i < 2; i++)
    for (ushort j = 0; j < 2; j++) sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (uint k0 = 0; k0 < args.depth; k0 += 8) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (ushort e = thread_index; e < 256; e += 128) {
      uint row = e / 8, k = k0 + e % 8;
      tile[e] = row0 + row < args.rows && k < args.depth ? a[(row0 + row) * args.depth + k] : 0.0h;
      bool inside = column0 + row < args.columns && k < args.depth;
      b_tile[e] = inside ? b[(column0 + row) * args.depth + k] : 0.0h;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (ushort i = 0; i < 2; i++)
      for (ushort j = 0; j < 2; j++) {
        simdgroup_half8x8 left, right;
        simdgroup_load(left, tile + (row_half + i * 8) * 8, 8);
        simdgroup_load(right, b_tile + (column_half + j * 8) * 8, 8, ulong2(0, 0), true);
        simdgroup_multiply_accumulate(sums[i][j], left, right, sums[i][j]);
      }
  }
  for (ushort i = 0; i < 2; i++)
    for (ushort j = 0; j < 2; j++) {
      simdgroup_barrier(mem_flags::mem_threadgroup);
      simdgroup_store(sums[i][j], stage[simd_group], 8);
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (ushort e = lane; e < 64; e += 32) {
        uint row = row0 + row_half + i * 8 + e / 8;
        uint column = column0 + column_half + j * 8 + e % 8;
        if (row < args.rows && column < args.columns) {
          float value = stage[simd_group][e];
          if (has_bias) value += bias[column];
          out[row * args.columns + column] = is_negated ? -value : value;
        }
      }
    }
}

// out = scale * (a b) + 1 for 8 x 8 matrices of one simdgroup; the scale is applied after the first
// of `steps` equal parts of the sum, and the 1 in the end, both by way of the lanes' own elements.
kernel void elements(device float *out [[buffer(0)]], device const half *a [[buffer(1)]],
                     device const half *b [[buffer(2)]], constant uint &steps [[buffer(3)]],
                     ushort lane [[thread_index_in_simdgroup]]) {
  simdgroup_float8x8 sum(0.0f);
  simdgroup_half8x8 left, right;
  thread auto &own = sum.thread_elements();
  for (uint s = 0; s < steps; s++) {
    simdgroup_load(left, a, 8);
    simdgroup_load(right, b, 8);
    simdgroup_multiply_accumulate(sum, left, right, sum);
    own[0] *= s == 0 ? 2.0f : 1.0f;
    own[1] *= s == 0 ? 2.0f : 1.0f;
  }
  ushort row = (lane >> 2 & 4) + (lane >> 1 & 3), column = (lane >> 1 & 4) + (lane & 1) * 2;
  own += float2(1.0);
  out[64 + row * 8 + column] = own[0];
  out[64 + row * 8 + column + 1] = own[1];
  simdgroup_store(sum, out, 8);
}

// Every operation across lanes once, 8 results a thread.
kernel void lanes(device float *out [[buffer(0)]], device const float *in [[buffer(1)]],
                  uint i [[thread_position_in_grid]], ushort lane [[thread_index_in_simdgroup]]) {
  float v = in[i];
  out[i * 8] = simd_sum(v);
  out[i * 8 + 1] = simd_max(v);
  out[i * 8 + 2] = simd_shuffle(v, ushort(31 - lane));
  out[i * 8 + 3] = simd_shuffle_xor(v, 5);
  out[i * 8 + 4] = simd_broadcast(v, 7);
  out[i * 8 + 5] = simd_prefix_inclusive_sum(v);
  half4 shifted = simd_shuffle_down(half4(half(v), 0.5h, half2(1.5h)), 1);
  out[i * 8 + 6] = float(shifted.x + shifted.y + shifted.z * shifted.w);
  out[i * 8 + 7] = as_type<float>(as_type<uint>(v) ^ 0x80000000u);
}

kernel void add_one(device float *out [[buffer(0)]], device const float *in [[buffer(1)]],
                    uint i [[thread_position_in_grid]]) {
  out[i] = in[i] + 1;
}

// A packed array and literals of each kind: |p[i].zyx| + 0.25 + 0.5 + 2.
kernel void packed_length(device float *out [[buffer(0)]],
                          device const packed_float3 *p [[buffer(1)]],
                          uint i [[thread_position_in_grid]]) {
  float3 v = float3(p[i]);
  out[i] = length(v.zyx) + 0.25 + float(0.5h) + float(bfloat(2.0f));
}
