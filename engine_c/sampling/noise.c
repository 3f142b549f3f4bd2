/* noise.c: owns MT19937, Philox 4x32-10 and the two Box-Muller transforms. See noise.h for what is
 * matched. Must not know samplers, sigmas or models, and must not be compiled with fast-math: the
 * order of every operation here is part of the result. */
#include "sampling/noise.h"

#include <math.h>

#ifdef __FAST_MATH__
#error "compile the engine without -ffast-math: the noise must be the same on every build"
#endif

enum {
  MT_MIDDLE = 397,
  BLOCK = 16, /* torch transforms 16 uniforms at a time: 8 radii and 8 angles */
  PAIRS = BLOCK / 2,
  PHILOX_ROUNDS = 10
};

static const double two_pi = 6.28318530717958647692;

/* ---- MT19937 ---- */

static void mt_seed(noise_source *source, uint32_t seed) {
  source->mt_words[0] = seed;
  for (uint32_t i = 1; i < NOISE_MT_WORDS; i++) {
    const uint32_t last = source->mt_words[i - 1];
    source->mt_words[i] = 1812433253u * (last ^ (last >> 30)) + i;
  }
  source->mt_next = NOISE_MT_WORDS;
}

static void mt_refill(noise_source *source) {
  uint32_t *words = source->mt_words;
  for (uint32_t i = 0; i < NOISE_MT_WORDS; i++) {
    const uint32_t joined =
        (words[i] & 0x80000000u) | (words[(i + 1) % NOISE_MT_WORDS] & 0x7fffffffu);
    const uint32_t twist = (joined & 1u) != 0 ? 0x9908b0dfu : 0u;
    words[i] = words[(i + MT_MIDDLE) % NOISE_MT_WORDS] ^ (joined >> 1) ^ twist;
  }
  source->mt_next = 0;
}

static uint32_t mt_word(noise_source *source) {
  if (source->mt_next == NOISE_MT_WORDS) mt_refill(source);
  uint32_t word = source->mt_words[source->mt_next++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

/* Both in [0, 1): 24 bits of one word, 53 bits of two words with the first one on top. */
static float mt_uniform_float(noise_source *source) {
  return (float)(mt_word(source) & 0xffffffu) * 0x1p-24f;
}

static double mt_uniform_double(noise_source *source) {
  const uint64_t high = mt_word(source);
  const uint64_t bits = (high << 32) | mt_word(source);
  return (double)(bits & 0x1fffffffffffffu) * 0x1p-53;
}

/* ---- torch on the CPU ---- */

/* One number in double; the pair's other half waits in `spare`, also between calls. */
static double cpu_normal(noise_source *source) {
  if (source->has_spare) {
    source->has_spare = 0;
    return source->spare;
  }
  const double angle = two_pi * mt_uniform_double(source);
  const double radius = sqrt(-2.0 * log1p(-mt_uniform_double(source)));
  source->spare = radius * sin(angle);
  source->has_spare = 1;
  return radius * cos(angle);
}

/* Fresh uniforms [0..7] are radii and [8..15] angles; they become cosines and sines in place. */
static void cpu_transform_block(float *block) {
  for (int i = 0; i < PAIRS; i++) {
    const float radius = sqrtf(-2.0f * logf(1.0f - block[i]));
    const float angle = (float)(two_pi * (double)block[i + PAIRS]);
    block[i] = radius * cosf(angle);
    block[i + PAIRS] = radius * sinf(angle);
  }
}

static void cpu_uniforms(noise_source *source, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = mt_uniform_float(source);
}

/* All uniforms come before the first transform. A remainder is covered by drawing the last 16
 * numbers anew, so that some that were finished are overwritten. */
static void cpu_draw(noise_source *source, float *out, size_t count) {
  if (count < BLOCK) {
    for (size_t i = 0; i < count; i++) out[i] = (float)cpu_normal(source);
    return;
  }
  cpu_uniforms(source, out, count);
  for (size_t i = 0; i + BLOCK <= count; i += BLOCK) cpu_transform_block(out + i);
  if (count % BLOCK != 0) {
    float *tail = out + (count - BLOCK);
    cpu_uniforms(source, tail, BLOCK);
    cpu_transform_block(tail);
  }
}

/* ---- torch on CUDA ---- */

static void philox_mix(uint32_t counter[4], uint64_t key) {
  uint32_t key_low = (uint32_t)key;
  uint32_t key_high = (uint32_t)(key >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    const uint64_t even = (uint64_t)counter[0] * 0xd2511f53u;
    const uint64_t odd = (uint64_t)counter[2] * 0xcd9e8d57u;
    counter[0] = (uint32_t)(odd >> 32) ^ counter[1] ^ key_low;
    counter[1] = (uint32_t)odd;
    counter[2] = (uint32_t)(even >> 32) ^ counter[3] ^ key_high;
    counter[3] = (uint32_t)even;
    key_low += 0x9e3779b9u;
    key_high += 0xbb67ae85u;
  }
}

/* The factors 2^-32 and 2 pi 2^-32 are rounded to float, as in CUDA's generator; half a step is
 * added so that neither uniform is 0. Only the sine of the pair is used. */
static float nv_normal(uint32_t radius_word, uint32_t angle_word) {
  const double step = (double)0x1p-32f;
  const double angle_step = (double)(float)(0x1p-32 * 6.2831855);
  const double uniform = (double)radius_word * step + step / 2.0;
  const double angle = (double)angle_word * angle_step + angle_step / 2.0;
  return (float)(sqrt(-2.0 * log(uniform)) * sin(angle));
}

static void nv_draw(noise_source *source, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t counter[4] = {source->call, 0, (uint32_t)i, 0};
    philox_mix(counter, source->seed);
    out[i] = nv_normal(counter[0], counter[1]);
  }
  source->call++;
}

/* ---- public ---- */

void noise_init(noise_source *source, sd_rng rng, uint64_t seed) {
  *source = (noise_source){.rng = rng, .seed = seed};
  if (rng == SD_RNG_CPU) mt_seed(source, (uint32_t)seed);
}

void noise_draw(noise_source *source, float *out, size_t count) {
  if (source->rng == SD_RNG_CPU) {
    cpu_draw(source, out, count);
  } else {
    nv_draw(source, out, count);
  }
}

void noise_latents(noise_source *source, float *out, float *scratch, int32_t height, int32_t width,
                   int32_t channels) {
  const size_t plane = (size_t)height * (size_t)width;
  const size_t depth = (size_t)channels;
  noise_draw(source, scratch, plane * depth);
  for (size_t pixel = 0; pixel < plane; pixel++) {
    for (size_t channel = 0; channel < depth; channel++) {
      out[pixel * depth + channel] = scratch[channel * plane + pixel];
    }
  }
}
