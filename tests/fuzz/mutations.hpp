// JSON that somebody damaged: a seeded stream of mutations, for the tests that run fuzz targets everywhere.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "seeded.hpp"

namespace campaign::test {

inline const std::vector<std::string> kPieces = {
    "\"",      "{",       "}",    "[",     "]",  "\\",
    "\\u0000", "\\ud800", "null", "1e400", "-0", "18446744073709551616",
    "\xff",    "\xc3",    "type", "x",     ",",  ":"};

inline std::string mutate(std::string text, const std::vector<std::string>& corpus, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit ? random() % limit : 0; };
  for (auto rounds = 1 + below(6); rounds > 0; --rounds) {
    const auto at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = char(random());
        break;
      case 3:
        text.insert(at, std::string(below(300), "[{\"x"[below(4)]));
        break;
      case 4:
        text = text.substr(0, at) + corpus[below(corpus.size())].substr(below(12));
        break;
      case 5:
        text.insert(at, text.substr(0, below(64)));
        break;
    }
  }
  return text;
}

// `run` on so many mutations of what is in the corpus.
inline void on_mutations(const std::vector<std::string>& corpus, int count,
                         const std::function<void(const std::string&)>& run) {
  seeded(count, [&](std::mt19937& random) { run(mutate(corpus[random() % corpus.size()], corpus, random)); });
}

}  // namespace campaign::test
