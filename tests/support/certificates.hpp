// Certificates for tests, signed by themselves: good for any use of today.
#pragma once

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

#include <string>

#include <gtest/gtest.h>

namespace penstock::test {

struct Certificate {
    std::string cert;  // files
    std::string key;
};

// For `name` as DNS name, and for 127.0.0.1.
inline Certificate make_certificate(
    const TempDir& folder, const std::string& file, const std::string& name
) {
    const Certificate made{folder.path(file + ".crt"), folder.path(file + ".key")};
    const int code = Child(
                         {"/usr/bin/openssl",
                          "req",
                          "-x509",
                          "-newkey",
                          "ec",
                          "-pkeyopt",
                          "ec_paramgen_curve:prime256v1",
                          "-nodes",
                          "-days",
                          "2",
                          "-subj",
                          "/CN=" + name,
                          "-addext",
                          "subjectAltName=DNS:" + name + ",IP:127.0.0.1",
                          "-keyout",
                          made.key,
                          "-out",
                          made.cert},
                         folder.path("openssl.log")
    )
                         .wait();
    EXPECT_EQ(code, 0) << folder.read("openssl.log");
    return made;
}

}  // namespace penstock::test
