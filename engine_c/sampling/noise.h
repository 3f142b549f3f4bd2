/* noise.h: owns the numbers that become latent noise. Knows two generators and nothing of samplers,
 * sigmas or models.
 *
 * SD_RNG_CPU draws what torch.randn(count, generator=torch.Generator("cpu").manual_seed(seed))
 * draws in float32: MT19937 (Matsumoto and Nishimura 1998, seeded with the low 32 bits of the seed)
 * and Box-Muller. The integers and uniforms are the same everywhere. Where count is 16 or more,
 * torch takes logarithm, sine and cosine in float from the platform's C library, and so does this
 * file: the bits are those of torch's portable path (ATEN_CPU_CAPABILITY=default), which is the one
 * that runs on Apple silicon. On x86 with AVX2 torch replaces these three functions by polynomials
 * of its own; its numbers then differ from these by at most 4e-6 (tests/sampling/test_noise.py).
 * Below 16 numbers torch works in double on every machine and there is no difference.
 *
 * SD_RNG_NV draws what torch.randn draws on CUDA, by the arithmetic that made it known on other
 * machines (the "NV" random source of AUTOMATIC1111's web UI): Philox 4x32-10 (Salmon et al. 2011)
 * with counter (call, 0, element, 0) and the 64-bit seed as key, Box-Muller in double, rounded to
 * float once. A CUDA device works in float instead and differs in the last bits. */
#ifndef SAMPLING_NOISE_H
#define SAMPLING_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

enum { NOISE_MT_WORDS = 624 };

/* One generator with its state; the caller holds it, and copying it copies the state. */
typedef struct noise_source {
  sd_rng rng;
  int32_t has_spare; /* SD_RNG_CPU, fewer than 16 numbers: the second of a pair */
  double spare;
  uint64_t seed;    /* SD_RNG_NV: the key */
  uint32_t call;    /* SD_RNG_NV: number of the next call of noise_draw */
  uint32_t mt_next; /* SD_RNG_CPU: words of mt that are used up */
  uint32_t mt_words[NOISE_MT_WORDS];
} noise_source;

void noise_init(noise_source *source, sd_rng rng, uint64_t seed);

/* Writes `count` numbers of mean 0 and variance 1 and goes on from where the last call ended. As in
 * torch, one call of 32 is not two calls of 16 and a remainder: the call's size matters. */
void noise_draw(noise_source *source, float *out, size_t count);

/* Noise of one picture's latents. Drawn in one call in torch's order [channels][height][width] into
 * `scratch` (height * width * channels floats) and stored as [height][width][channels]. */
void noise_latents(noise_source *source, float *out, float *scratch, int32_t height, int32_t width,
                   int32_t channels);

#endif
