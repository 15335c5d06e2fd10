module pullcheck.dev/bench

go 1.26
