// Input that somebody damaged: a seeded stream of mutations, for the tests that run fuzz targets everywhere.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "seeded.hpp"

namespace campaign::test {

using Pieces = std::vector<std::string>;

// Of JSON.
inline const Pieces kJsonPieces = {"\"",      "{",       "}",    "[",     "]",  "\\",
                                   "\\u0000", "\\ud800", "null", "1e400", "-0", "18446744073709551616",
                                   "\xff",    "\xc3",    "type", "x",     ",",  ":"};

// `text` with some changes behind its first `kept` bytes; pieces and beginnings of others are put into it.
inline std::string mutate(std::string text, const std::vector<std::string>& corpus, const Pieces& pieces,
                          std::size_t kept, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit ? random() % limit : 0; };
  for (auto rounds = below(7); rounds > 0; --rounds) {
    const auto at = kept + below(text.size() + 1 - kept);
    const std::string& piece = pieces[below(pieces.size())];
    switch (below(6)) {
      case 0:
        text.insert(at, piece);
        break;
      case 1:
        text.erase(at, below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = char(random());
        break;
      case 3:
        text.insert(at, std::string(below(300), piece[0]));
        break;
      case 4:
        text = text.substr(0, at) + corpus[below(corpus.size())].substr(kept + below(12));
        break;
      case 5:
        text.insert(at, text.substr(kept, below(64)));
        break;
    }
  }
  return text;
}

// `run` on so many mutations of what is in the corpus.
inline void on_mutations(const std::vector<std::string>& corpus, int count,
                         const std::function<void(const std::string&)>& run,
                         const Pieces& pieces = kJsonPieces, std::size_t kept = 0) {
  seeded(count, [&](std::mt19937& random) {
    run(mutate(corpus[random() % corpus.size()], corpus, pieces, kept, random));
  });
}

}  // namespace campaign::test
