# The page of the web terminal: libraries from npm, pinned by web/package-lock.json, compressed and embedded. npm runs
# only when web/package-lock.json is newer than what it made; nothing else needs the network.
set(web ${CMAKE_CURRENT_SOURCE_DIR}/terminal/web)
set(made ${CMAKE_CURRENT_BINARY_DIR}/terminal)
find_program(DT_NPM npm REQUIRED)
find_program(DT_GZIP gzip REQUIRED)

add_custom_command(OUTPUT ${made}/fetched
  COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
  COMMAND ${CMAKE_COMMAND} -E copy ${web}/package.json ${web}/package-lock.json ${made}
  COMMAND ${CMAKE_COMMAND} -E chdir ${made} ${DT_NPM} ci
    --ignore-scripts --no-audit --no-fund --no-update-notifier --prefer-offline --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch ${made}/fetched
  DEPENDS ${web}/package.json ${web}/package-lock.json
  COMMENT "Fetching the web terminal's libraries with npm" VERBATIM)

# dt_web_library(SYMBOL FILE): a file of node_modules without its link to a source map, compressed.
function(dt_web_library symbol file)
  set(out ${made}/${symbol}.gz)
  add_custom_command(OUTPUT ${out}
    COMMAND sed "/sourceMappingURL=/d" ${made}/node_modules/${file} > ${out}.plain
    COMMAND ${DT_GZIP} -9 -n -c ${out}.plain > ${out}
    DEPENDS ${made}/fetched
    COMMENT "Compressing ${file}" VERBATIM)
  file(RELATIVE_PATH relative ${CMAKE_CURRENT_SOURCE_DIR} ${out})
  dt_embed(dt_daemon ${symbol} ${relative})
endfunction()

dt_web_library(dt_terminal_xterm_js @xterm/xterm/lib/xterm.mjs)
dt_web_library(dt_terminal_xterm_css @xterm/xterm/css/xterm.css)
dt_web_library(dt_terminal_fit_js @xterm/addon-fit/lib/addon-fit.mjs)
dt_embed(dt_daemon dt_terminal_page terminal/web/index.html)
