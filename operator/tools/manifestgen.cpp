// manifestgen ROOT: writes manifests/rbac below ROOT, the source tree, from the table of rights.
#include "operator/tools/rbac_manifests.hpp"

#include <cstdio>
#include <fstream>

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(
            stderr, "usage: manifestgen ROOT (the source tree, to write manifests/rbac into)\n"
        );
        return 2;
    }
    for (const auto& [path, text] : penstock::tools::rbac_files()) {
        const std::string full = std::string{arguments[1]} + "/" + path;
        std::ofstream file{full, std::ios::binary | std::ios::trunc};
        file << text;
        file.close();
        if (!file) {
            std::fprintf(
                stderr, "manifestgen: cannot write %s; does its folder exist?\n", full.c_str()
            );
            return 1;
        }
        std::printf("wrote %s\n", full.c_str());
    }
    return 0;
}
