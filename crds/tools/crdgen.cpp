// crdgen ROOT: writes the files that are made from the tables in crds/api below ROOT, the source
// tree.
#include "crds/tools/generated.hpp"

#include <cstdio>
#include <fstream>

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(
            stderr, "usage: crdgen ROOT (the source tree, to write the generated files into)\n"
        );
        return 2;
    }
    for (const auto& [path, text] : penstock::tools::generated_files()) {
        const std::string full = std::string{arguments[1]} + "/" + path;
        std::ofstream file{full, std::ios::binary | std::ios::trunc};
        file << text;
        file.close();
        if (!file) {
            std::fprintf(stderr, "crdgen: cannot write %s; does its folder exist?\n", full.c_str());
            return 1;
        }
        std::printf("wrote %s\n", full.c_str());
    }
    return 0;
}
