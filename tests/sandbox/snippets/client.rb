# The calls of Routee's guides with Ruby's net/http.
require "json"
require "net/http"

def ask(verb, url, body, headers)
  uri = URI(url)
  request = Net::HTTP.const_get(verb).new(uri, headers)
  request.body = body if body
  yield request if block_given?
  answer = Net::HTTP.start(uri.host, uri.port, read_timeout: 20) { |http| http.request(request) }
  abort(answer.body) unless answer.code == "200"
  JSON.parse(answer.body)
end

form = { "Content-Type" => "application/x-www-form-urlencoded" }
token = ask(:Post, "#{ENV.fetch("ROUTEE_AUTH_URL")}/oauth/token", "grant_type=client_credentials", form) do |request|
  request.basic_auth(ENV.fetch("ROUTEE_APPLICATION_ID"), ENV.fetch("ROUTEE_APPLICATION_SECRET"))
end["access_token"]

call = lambda do |verb, path, value = nil|
  headers = { "Authorization" => "Bearer #{token}", "Content-Type" => "application/json" }
  ask(verb, ENV.fetch("ROUTEE_BASE_URL") + path, value&.to_json, headers)
end

sms = { from: "ParcelCo", to: "+306970000001", body: "Your parcel is here", label: "guide" }
sent = call.(:Post, "/sms", sms)["trackingId"]
puts "sent #{sent}"
puts "parts #{call.(:Post, "/sms/analyze", sms)["bodyAnalysis"]["parts"]}"
puts "tracked #{call.(:Get, "/sms/tracking/single/#{sent}").first["messageId"]}"
campaign = call.(:Post, "/sms/campaign", { from: "ParcelCo", to: ["+306970000002", "+306970000003"], body: "Spring offer" })
puts "campaign #{call.(:Get, "/campaigns/#{campaign["trackingId"]}")["totalMessages"]}"
