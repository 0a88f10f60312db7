# The calls of Routee's guides with curl: token, send, analyse, follow, campaign.
set -eu
field() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }

token=$(curl -sf -u "$ROUTEE_APPLICATION_ID:$ROUTEE_APPLICATION_SECRET" -d grant_type=client_credentials "$ROUTEE_AUTH_URL/oauth/token" | field access_token)
call() { curl -sf -H "authorization: Bearer $token" -H 'content-type: application/json' "$@"; }

id=$(call -d '{"from":"ParcelCo","to":"+306970000001","body":"Your parcel is here","label":"guide"}' "$ROUTEE_BASE_URL/sms" | field trackingId)
echo "sent $id"
call -d '{"from":"ParcelCo","to":"+306970000001","body":"Your parcel is here"}' "$ROUTEE_BASE_URL/sms/analyze" | grep -q '"parts":1' && echo "parts 1"
call "$ROUTEE_BASE_URL/sms/tracking/single/$id" | grep -q "\"messageId\":\"$id\"" && echo "tracked $id"
campaign=$(call -d '{"from":"ParcelCo","to":["+306970000002","+306970000003"],"body":"Spring offer"}' "$ROUTEE_BASE_URL/sms/campaign" | field trackingId)
call "$ROUTEE_BASE_URL/campaigns/$campaign" | grep -q '"totalMessages":2' && echo "campaign 2"
