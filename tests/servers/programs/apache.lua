-- Answers with what was asked; the outer server has counted the body.
function handle(r)
  local length = r.headers_in["Content-Length"] or "0"
  r.content_type = "text/plain"
  r.headers_out["X-Length"] = length
  r:puts(r.method .. " " .. r.unparsed_uri .. " " .. length .. "\n")
  return apache2.OK
end
