module pullcheck.dev/servers/pause

go 1.26.0

tool pullcheck.dev/servers/pause
