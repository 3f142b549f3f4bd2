/* cpu_isa: the list of instruction sets of this architecture, worst first. Knows no operator. */
#include "backend/cpu/cpu_isa.h"

extern const cpu_isa cpu_isa_generic, cpu_isa_avx2, cpu_isa_avx512, cpu_isa_avx512_bf16,
    cpu_isa_avx512_amx, cpu_isa_neon;

const cpu_isa *cpu_isa_row(int32_t index) {
  static const cpu_isa *const rows[] = {
      &cpu_isa_generic,
#if defined(__x86_64__)
      &cpu_isa_avx2,       &cpu_isa_avx512, &cpu_isa_avx512_bf16,
#if defined(__linux__)
      &cpu_isa_avx512_amx,
#endif
#elif defined(__aarch64__)
      &cpu_isa_neon,
#endif
  };
  const int32_t count = (int32_t)(sizeof rows / sizeof rows[0]);
  return index >= 0 && index < count ? rows[index] : NULL;
}
