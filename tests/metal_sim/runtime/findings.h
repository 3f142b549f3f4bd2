/* Mistakes of a kernel, as sentences with file, line and thread. */
#pragma once
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime.h"

class Findings {
 public:
  static constexpr int kMost = 8;

  void clear();
  /* Once for each place and kind. `group` is the threadgroup's position, `thread` its index. */
  void add(const char *kind, const std::string &message, const void *site, const msl_kernel *kernel,
           const uint32_t *group, uint32_t thread);
  int count();
  msl_fault_kind kind();
  std::string text();

 private:
  std::mutex mutex_;
  int count_ = 0;
  bool outside_ = false;
  std::string text_;
  std::vector<std::pair<const void *, std::string>> seen_;
};

extern Findings msl_findings;

/* `file:line:column` of an address in a kernel library, or nothing. */
std::string source_place(const void *site);
